-- name: claim(channels, at_most, lease)
-- What is due, can be sent and nobody else is taking. It is due again when the lease is over, should whoever has it die.
-- As an array, so that it is planned for few, and by a clock that stands still in a statement, so that it is found by
-- index.
UPDATE deliveries d
   SET tries = d.tries + 1, next_try_at = clock_timestamp() + CAST(:lease AS interval)
  FROM notifications n
 WHERE n.id = d.notification_id
   AND d.id = ANY(ARRAY(
       SELECT id
         FROM deliveries
        WHERE status = 'pending' AND next_try_at <= statement_timestamp() AND channel = ANY(CAST(:channels AS text[]))
        ORDER BY next_try_at
        LIMIT CAST(:at_most AS bigint)
          FOR NO KEY UPDATE SKIP LOCKED))
RETURNING d.id, n.kind, d.channel, d.recipient, n.data, d.tries;

-- name: end_delivery(id, tries, status, error)
-- By whoever has begun this try alone.
UPDATE deliveries
   SET status = :status, last_error = coalesce(CAST(:error AS text), last_error), ended_at = clock_timestamp()
 WHERE id = :id AND status = 'pending' AND tries = :tries
RETURNING id;

-- name: postpone(id, tries, error, pause)
UPDATE deliveries
   SET last_error = :error, next_try_at = clock_timestamp() + CAST(:pause AS interval)
 WHERE id = :id AND status = 'pending' AND tries = :tries
RETURNING id;

-- name: find_parked(after, rows_max)
SELECT d.id, d.notification_id, n.user_id, n.kind, d.channel, d.tries, d.last_error, d.created_at,
       d.ended_at AS parked_at
  FROM deliveries d
  JOIN notifications n ON n.id = d.notification_id
 WHERE d.status = 'parked' AND (CAST(:after AS uuid) IS NULL OR d.id < CAST(:after AS uuid))
 ORDER BY d.id DESC
 LIMIT CAST(:rows_max AS bigint);

-- name: lock_delivery(id)
SELECT d.status, d.tries, n.user_id, clock_timestamp() AS now_locked
  FROM deliveries d
  JOIN notifications n ON n.id = d.notification_id
 WHERE d.id = :id
   FOR NO KEY UPDATE OF d;

-- name: unpark(id)!
UPDATE deliveries
   SET status = 'pending', tries = 0, next_try_at = clock_timestamp(), ended_at = NULL
 WHERE id = :id;

-- name: drop_delivered(before_id, row_limit)
-- Ids sort by age. What is pending or parked stays, however old it is.
DELETE FROM deliveries
 WHERE id = ANY(ARRAY(
       SELECT id
         FROM deliveries
        WHERE id < CAST(:before_id AS uuid) AND status = 'delivered'
        ORDER BY id
        LIMIT CAST(:row_limit AS bigint)))
RETURNING id;

-- name: begin_work(name, every)
-- Of all who would do it one may, and not again before that time is over.
INSERT INTO scheduled_work AS w (name, begun_at)
VALUES (:name, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET begun_at = clock_timestamp()
       WHERE w.begun_at <= clock_timestamp() - CAST(:every AS interval)
RETURNING name;
