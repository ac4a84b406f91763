-- name: hold_person(user_id, password_hash, second_factor)
-- Until their new session is there: meanwhile nobody is deactivated, the password stays the one that was proved, and no
-- second factor is turned on that was not asked for.
SELECT role, second_factor
  FROM users
 WHERE id = :user_id AND status = 'active'
   AND (CAST(:second_factor AS boolean) IS NULL OR second_factor = CAST(:second_factor AS boolean))
   AND (CAST(:password_hash AS text) IS NULL OR password_hash = CAST(:password_hash AS text))
   FOR SHARE;

-- name: forget_sessions(user_id, before)!
-- What has been over for long. Their tokens go with them.
DELETE FROM sessions
 WHERE user_id = :user_id AND least(expires_at, ended_at) < :before;

-- name: end_surplus_sessions(user_id, now, kept)!
UPDATE sessions
   SET ended_at = :now, ended_because = 'superseded', changed_at = clock_timestamp()
 WHERE id IN (SELECT id
                FROM sessions
               WHERE user_id = :user_id AND ended_at IS NULL AND expires_at > :now
               ORDER BY last_seen_at DESC, id DESC
              OFFSET CAST(:kept AS bigint));

-- name: add_session(id, user_id, device, address, created_at, expires_at, hash)!
WITH added AS (
    INSERT INTO sessions (id, user_id, device, address, created_at, last_seen_at, expires_at, proved_at)
    VALUES (:id, :user_id, :device, :address, :created_at, :created_at, :expires_at, :created_at)
    RETURNING id, created_at)
INSERT INTO refresh_tokens (hash, session_id, issued_at) SELECT :hash, id, created_at FROM added;

-- name: find_session(id)
SELECT s.id, s.user_id, s.device, s.address, s.created_at, s.last_seen_at, s.expires_at, s.proved_at, s.ended_at,
       s.ended_because, s.changed_at, u.role, u.second_factor
  FROM sessions s JOIN users u ON u.id = s.user_id
 WHERE s.id = :id;

-- name: find_sessions_of_person(user_id, now, seen_after, rows_max)
-- Those that can still be used, the one that was used last first.
SELECT s.id, s.user_id, s.device, s.address, s.created_at, s.last_seen_at, s.expires_at, s.proved_at, s.ended_at,
       s.ended_because, s.changed_at, u.role, u.second_factor
  FROM sessions s JOIN users u ON u.id = s.user_id
 WHERE s.user_id = :user_id AND s.ended_at IS NULL AND s.expires_at > :now AND s.last_seen_at > :seen_after
 ORDER BY s.last_seen_at DESC, s.id DESC
 LIMIT CAST(:rows_max AS bigint);

-- name: lock_presented(hash)
-- The token and its session as they are once nobody else holds either: of two who present it at once, the second sees
-- what the first has done.
SELECT t.spent_at, s.refreshes, s.id, s.user_id, s.device, s.address, s.created_at, s.last_seen_at, s.expires_at,
       s.proved_at, s.ended_at, s.ended_because, s.changed_at, u.role, u.second_factor
  FROM refresh_tokens t
  JOIN sessions s ON s.id = t.session_id
  JOIN users u ON u.id = s.user_id
 WHERE t.hash = :hash
   FOR NO KEY UPDATE OF t, s;

-- name: hand_on(presented, successor, session_id, now)!
-- A successor that was handed out before stays as it is.
WITH spent AS (
    UPDATE refresh_tokens SET spent_at = :now WHERE hash = :presented AND spent_at IS NULL),
counted AS (
    UPDATE sessions SET refreshes = refreshes + 1 WHERE id = :session_id)
INSERT INTO refresh_tokens (hash, session_id, issued_at) VALUES (:successor, :session_id, :now)
    ON CONFLICT (hash) DO NOTHING;

-- name: end_session(id, because, now, owner)
-- That owner's, where one is given. What has ended stays as it ended.
UPDATE sessions
   SET ended_at = coalesce(ended_at, :now),
       ended_because = coalesce(ended_because, :because),
       changed_at = CASE WHEN ended_at IS NULL THEN clock_timestamp() ELSE changed_at END
 WHERE id = :id AND (CAST(:owner AS uuid) IS NULL OR user_id = CAST(:owner AS uuid))
RETURNING id;

-- name: end_sessions_of_person(user_id, because, now, spared)
-- All but the spared one, if any. Locked in one order, as by everybody who locks several.
WITH locked AS (
    SELECT id
      FROM sessions
     WHERE user_id = :user_id AND ended_at IS NULL AND id IS DISTINCT FROM CAST(:spared AS uuid)
     ORDER BY id
       FOR NO KEY UPDATE)
UPDATE sessions s
   SET ended_at = :now, ended_because = :because, changed_at = clock_timestamp()
  FROM locked l
 WHERE s.id = l.id
RETURNING s.id;

-- name: prove_session(id, now)
UPDATE sessions SET proved_at = :now, changed_at = clock_timestamp() WHERE id = :id AND ended_at IS NULL RETURNING id;

-- name: touch_sessions(ids, moments)!
WITH locked AS (
    SELECT s.id, t.seen_at
      FROM sessions s JOIN unnest(CAST(:ids AS uuid[]), CAST(:moments AS timestamptz[])) AS t (id, seen_at) ON s.id = t.id
     WHERE s.last_seen_at < t.seen_at
     ORDER BY s.id
       FOR NO KEY UPDATE OF s)
UPDATE sessions s
   SET last_seen_at = greatest(s.last_seen_at, l.seen_at)
  FROM locked l
 WHERE s.id = l.id;

-- name: changes(since, rows_max)
-- The newest ones, and the moment of reading also where there is none. Without `since` only that.
SELECT clock_timestamp() AS read_at, c.*
  FROM (SELECT) AS always
  LEFT JOIN (SELECT s.id, s.user_id, s.device, s.address, s.created_at, s.last_seen_at, s.expires_at, s.proved_at,
                    s.ended_at, s.ended_because, s.changed_at, u.role, u.second_factor
               FROM sessions s JOIN users u ON u.id = s.user_id
              WHERE s.changed_at > CAST(:since AS timestamptz)
              ORDER BY s.changed_at DESC
              LIMIT CAST(:rows_max AS bigint)) AS c ON true;
