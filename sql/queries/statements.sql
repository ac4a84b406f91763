-- name: lines(wallet_ids, created_from, created_before, outgoing_kinds, incoming_kinds, statuses, currency, bound_currencies, bound_mins, bound_maxs, after_created_at, after_id, after_rank, line_limit)
-- A page of history: for each wallet the newest of either side by an index in that order, then the newest of all. What
-- a page costs does not depend on how long the history is, but a filter reads what it passes over. `rank` puts the
-- paying side of a movement between two wallets of one person first. A row comparison lets the index start right after
-- the page before.
SELECT page.*
  FROM unnest(CAST(:wallet_ids AS uuid[])) AS asked (wallet_id)
 CROSS JOIN LATERAL (
    (SELECT t.*, 'out' AS direction, 1 AS rank
       FROM transactions t
      WHERE t.source_wallet_id = asked.wallet_id AND t.kind <> 'deposit'
        AND t.kind = ANY(CAST(:outgoing_kinds AS text[]))
        AND t.status = ANY(CAST(:statuses AS text[]))
        AND (CAST(:currency AS text) IS NULL OR t.currency = :currency)
        AND (CAST(:bound_currencies AS text[]) IS NULL OR EXISTS (
             SELECT FROM unnest(CAST(:bound_currencies AS text[]), CAST(:bound_mins AS bigint[]),
                                CAST(:bound_maxs AS bigint[])) AS bound (currency, lowest, highest)
              WHERE bound.currency = t.currency AND t.amount BETWEEN bound.lowest AND bound.highest))
        AND t.created_at >= :created_from AND t.created_at < :created_before
        AND (t.created_at, t.id) <= (CAST(:after_created_at AS timestamptz), CAST(:after_id AS uuid))
        AND ((t.created_at, t.id) <> (CAST(:after_created_at AS timestamptz), CAST(:after_id AS uuid))
             OR 1 < CAST(:after_rank AS integer))
      ORDER BY t.created_at DESC, t.id DESC
      LIMIT CAST(:line_limit AS integer))
    UNION ALL
    (SELECT t.*, 'in' AS direction, 0 AS rank
       FROM transactions t
      WHERE t.destination_wallet_id = asked.wallet_id
        AND t.kind <> 'withdraw' AND (t.status = 'COMPLETED' OR t.kind = 'deposit')
        AND t.kind = ANY(CAST(:incoming_kinds AS text[]))
        AND t.status = ANY(CAST(:statuses AS text[]))
        AND (CAST(:currency AS text) IS NULL OR t.currency = :currency)
        AND (CAST(:bound_currencies AS text[]) IS NULL OR EXISTS (
             SELECT FROM unnest(CAST(:bound_currencies AS text[]), CAST(:bound_mins AS bigint[]),
                                CAST(:bound_maxs AS bigint[])) AS bound (currency, lowest, highest)
              WHERE bound.currency = t.currency AND t.amount BETWEEN bound.lowest AND bound.highest))
        AND t.created_at >= :created_from AND t.created_at < :created_before
        AND (t.created_at, t.id) <= (CAST(:after_created_at AS timestamptz), CAST(:after_id AS uuid))
        AND ((t.created_at, t.id) <> (CAST(:after_created_at AS timestamptz), CAST(:after_id AS uuid))
             OR 0 < CAST(:after_rank AS integer))
      ORDER BY t.created_at DESC, t.id DESC
      LIMIT CAST(:line_limit AS integer))
 ) AS page
 ORDER BY page.created_at DESC, page.id DESC, page.rank DESC
 LIMIT CAST(:line_limit AS integer);

-- name: line(transaction_id, user_id)
-- One transaction as a wallet of that person sees it, the paying side first.
SELECT t.*, side.direction
  FROM transactions t
 CROSS JOIN LATERAL (
      SELECT 'out' AS direction, 0 AS rank FROM wallets w
       WHERE w.id = t.source_wallet_id AND w.user_id = :user_id AND t.kind <> 'deposit'
       UNION ALL
      SELECT 'in', 1 FROM wallets w
       WHERE w.id = t.destination_wallet_id AND w.user_id = :user_id
         AND t.kind <> 'withdraw' AND (t.status = 'COMPLETED' OR t.kind = 'deposit')
 ) AS side
 WHERE t.id = :transaction_id
 ORDER BY side.rank
 LIMIT 1;
