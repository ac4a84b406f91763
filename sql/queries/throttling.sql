-- name: take_attempt(key, free, seconds_max, doublings_max, forgotten_seconds)
-- Counts one more failure and says when the next attempt may be made; no row, and nothing counted, where the wait for
-- this one is not over. After long enough the count begins anew.
INSERT INTO failed_attempts AS kept (key, failures, counted_at, free_at)
VALUES (:key, 1, clock_timestamp(), clock_timestamp() + interval '1 second' * CAST(:free <= 1 AS integer))
ON CONFLICT (key) DO UPDATE
   SET (failures, counted_at, free_at) = (
       SELECT now.failures, now.moment, now.moment + interval '1 second' * CASE
              WHEN now.failures < CAST(:free AS integer) THEN 0
              ELSE least(power(2, least(now.failures - CAST(:free AS integer), :doublings_max)), :seconds_max)
              END
         FROM (SELECT clock_timestamp() AS moment,
                      CASE WHEN kept.counted_at < clock_timestamp() - interval '1 second' * :forgotten_seconds THEN 1
                           ELSE kept.failures + 1 END AS failures) AS now)
 WHERE kept.free_at <= clock_timestamp()
RETURNING free_at;

-- name: attempt_wait(key)
-- Whole seconds until the next attempt, at least one.
SELECT greatest(1, CAST(ceil(extract(epoch FROM free_at - clock_timestamp())) AS integer))
  FROM failed_attempts
 WHERE key = :key;

-- name: forget_attempts(keys)!
DELETE FROM failed_attempts WHERE key = ANY(CAST(:keys AS bytea[]));

-- name: drop_stale_attempts(older_than_seconds, row_limit)!
-- Some of the rows that mean nothing any more; those that somebody works on are left for the next time. One moment for
-- the whole statement, and a list of keys, so that indexes lead to them however it is planned: where there are none,
-- nothing is read.
DELETE FROM failed_attempts
 WHERE key = ANY(ARRAY(
       SELECT key FROM failed_attempts
        WHERE counted_at < statement_timestamp() - interval '1 second' * :older_than_seconds
        ORDER BY counted_at LIMIT :row_limit FOR UPDATE SKIP LOCKED));

-- name: take_message(key, most, seconds)
-- Counts one more message and says when; no row, and nothing counted, where so many went out in the span before now.
INSERT INTO sent_messages AS kept (key, moments, sent_at)
VALUES (:key, ARRAY[clock_timestamp()], clock_timestamp())
ON CONFLICT (key) DO UPDATE
   SET moments = ARRAY(SELECT moment FROM unnest(kept.moments) AS moment
                        WHERE moment > clock_timestamp() - interval '1 second' * :seconds
                        ORDER BY moment) || clock_timestamp(),
       sent_at = clock_timestamp()
 WHERE (SELECT count(*) FROM unnest(kept.moments) AS moment
         WHERE moment > clock_timestamp() - interval '1 second' * :seconds) < CAST(:most AS bigint)
RETURNING sent_at;

-- name: message_wait(key, most, seconds)
-- Whole seconds until the oldest of those that count is old enough, at least one.
SELECT greatest(1, CAST(ceil(extract(epoch FROM
           min(moment) + interval '1 second' * :seconds - clock_timestamp())) AS integer))
  FROM (SELECT moment FROM sent_messages, unnest(moments) AS moment
         WHERE key = :key
         ORDER BY moment DESC LIMIT :most) AS latest;

-- name: drop_stale_messages(older_than_seconds, row_limit)!
DELETE FROM sent_messages
 WHERE key = ANY(ARRAY(
       SELECT key FROM sent_messages
        WHERE sent_at < statement_timestamp() - interval '1 second' * :older_than_seconds
        ORDER BY sent_at LIMIT :row_limit FOR UPDATE SKIP LOCKED));
