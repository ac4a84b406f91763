-- name: append_events(kinds, user_ids, subject_ids, facts)!
-- In the transaction of the change that they tell of.
INSERT INTO events (kind, user_id, subject_id, data, created_at)
SELECT n.kind, n.user_id, n.subject_id, n.facts, clock_timestamp()
  FROM unnest(CAST(:kinds AS text[]), CAST(:user_ids AS uuid[]), CAST(:subject_ids AS uuid[]), CAST(:facts AS jsonb[]))
       AS n (kind, user_id, subject_id, facts);

-- name: take_events(kinds, events_max)
-- What nobody has relayed and nobody else is relaying. By its state and never by its number: events are committed in
-- another order than that of their ids. Kinds that this build does not know are left, as is what was set aside.
SELECT id, kind, created_at, user_id, subject_id, data, transaction_id
  FROM events
 WHERE relayed_at IS NULL AND kind = ANY(CAST(:kinds AS text[]))
   AND (relay_after IS NULL OR relay_after <= statement_timestamp())
 ORDER BY id
 LIMIT CAST(:events_max AS bigint)
   FOR NO KEY UPDATE SKIP LOCKED;

-- name: find_movements(ids)
-- What there is to say of them. A question of its own: how many events are taken at a time no plan of one question
-- knows, and for many it would read all transactions.
SELECT t.id, t.currency, t.amount, t.source_wallet_id, t.source_holder, source.user_id AS source_user_id,
       t.destination_wallet_id, destination.user_id AS destination_user_id
  FROM transactions t
  LEFT JOIN wallets source ON source.id = t.source_wallet_id
  LEFT JOIN wallets destination ON destination.id = t.destination_wallet_id
 WHERE t.id = ANY(CAST(:ids AS uuid[]));

-- name: find_wallet_names(ids)
SELECT id, name FROM wallets WHERE id = ANY(CAST(:ids AS uuid[]));

-- name: find_addressees(user_ids)
-- Their addresses as far as they were shown to be theirs, and what they decided.
SELECT u.id AS user_id,
       CASE WHEN u.email_verified_at IS NOT NULL THEN u.email END AS email,
       CASE WHEN u.phone_verified_at IS NOT NULL THEN u.phone END AS phone,
       p.kind, p.channel, p.wanted
  FROM users u
  LEFT JOIN notification_preferences p ON p.user_id = u.id
 WHERE u.id = ANY(CAST(:user_ids AS uuid[]));

-- name: keep_told(notification_ids, user_ids, event_ids, kinds, facts, moments, delivery_ids, of_notifications, of_events, channels, recipients, of_moments, relayed)!
-- All that a batch comes to, and that it was relayed, in one statement. An event is told once: also where somebody has
-- made it one that was not relayed, so that no batch is ever stuck.
WITH told AS (
    INSERT INTO notifications (id, user_id, event_id, kind, data, created_at)
    SELECT n.*
      FROM unnest(CAST(:notification_ids AS uuid[]), CAST(:user_ids AS uuid[]), CAST(:event_ids AS bigint[]),
                  CAST(:kinds AS text[]), CAST(:facts AS jsonb[]), CAST(:moments AS timestamptz[])) AS n
        ON CONFLICT DO NOTHING
), to_be_made AS (
    INSERT INTO deliveries (id, notification_id, event_id, channel, recipient, created_at, next_try_at)
    SELECT n.*, clock_timestamp()
      FROM unnest(CAST(:delivery_ids AS uuid[]), CAST(:of_notifications AS uuid[]), CAST(:of_events AS bigint[]),
                  CAST(:channels AS text[]), CAST(:recipients AS text[]), CAST(:of_moments AS timestamptz[])) AS n
        ON CONFLICT DO NOTHING
)
UPDATE events SET relayed_at = clock_timestamp() WHERE id = ANY(CAST(:relayed AS bigint[]));

-- name: set_aside(ids, pause)!
UPDATE events
   SET relay_after = clock_timestamp() + CAST(:pause AS interval)
 WHERE id = ANY(CAST(:ids AS bigint[]));

-- name: read_backlog()
-- Counting stops where nobody would want to know more exactly. The oldest delivery is looked for among those that are due
-- longest: when very many wait, it is there, and whoever watches has to hear of it in time.
SELECT (SELECT count(*) FROM (SELECT FROM events WHERE relayed_at IS NULL LIMIT 100000) AS e) AS not_relayed,
       (SELECT count(*) FROM (SELECT FROM deliveries WHERE status = 'pending' LIMIT 100000) AS d) AS pending,
       (SELECT count(*) FROM (SELECT FROM deliveries WHERE status = 'parked' LIMIT 100000) AS d) AS parked,
       coalesce(greatest(extract(epoch FROM clock_timestamp() - least(
           (SELECT created_at FROM events WHERE relayed_at IS NULL ORDER BY id LIMIT 1),
           (SELECT min(created_at)
              FROM (SELECT created_at FROM deliveries WHERE status = 'pending' ORDER BY next_try_at LIMIT 100000) AS d)
           )), 0), 0) AS oldest_seconds;
