-- name: add_limits(user_id, kinds, currency, daily_maxs, monthly_maxs)!
INSERT INTO transfer_limits (user_id, kind, currency, daily_max, monthly_max)
SELECT :user_id, n.kind, :currency, n.daily_max, n.monthly_max
  FROM unnest(CAST(:kinds AS text[]), CAST(:daily_maxs AS bigint[]), CAST(:monthly_maxs AS bigint[]))
       AS n (kind, daily_max, monthly_max)
ON CONFLICT DO NOTHING;

-- name: find_limits(user_id, currency)
SELECT l.user_id, l.kind, l.currency, l.daily_max, l.monthly_max, l.chosen_daily_max, l.chosen_monthly_max,
       l.counted_in, l.day, l.day_used, l.month_used, u.time_zone
  FROM transfer_limits l
  JOIN users u ON u.id = l.user_id
 WHERE l.user_id = :user_id AND l.currency = :currency
 ORDER BY l.kind;

-- name: lock_limits_of(user_id, currency, kinds)
-- In key order, as a posting locks them.
SELECT kind, daily_max, monthly_max
  FROM transfer_limits
 WHERE user_id = :user_id AND currency = :currency AND kind = ANY(CAST(:kinds AS text[]))
 ORDER BY user_id, kind, currency
   FOR NO KEY UPDATE;

-- name: choose(user_id, currency, kind, daily_max, monthly_max)!
UPDATE transfer_limits
   SET chosen_daily_max = coalesce(:daily_max, chosen_daily_max),
       chosen_monthly_max = coalesce(:monthly_max, chosen_monthly_max)
 WHERE user_id = :user_id AND currency = :currency AND kind = :kind;
