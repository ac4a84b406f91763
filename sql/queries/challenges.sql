-- name: lock_person(user_id)
-- One opening for a person at a time, so that none is overlooked when the older ones end.
SELECT id FROM users WHERE id = :user_id FOR NO KEY UPDATE;

-- name: end_open(user_id, purpose, now)!
UPDATE challenges
   SET expires_at = :now
 WHERE user_id = :user_id AND purpose = :purpose AND used_at IS NULL AND expires_at > :now;

-- name: forget(user_id, before)!
DELETE FROM challenges WHERE user_id = :user_id AND created_at < :before AND expires_at < :before;

-- name: add_challenge(id, user_id, purpose, secret_hash, subject, created_at, expires_at)!
INSERT INTO challenges (id, user_id, purpose, secret_hash, subject, created_at, expires_at)
VALUES (:id, :user_id, :purpose, :secret_hash, :subject, :created_at, :expires_at);

-- name: find_challenge(purpose, secret_hash, now, attempts_max)
SELECT id, user_id, purpose, secret_hash, subject, created_at, expires_at
  FROM challenges
 WHERE secret_hash = :secret_hash AND purpose = :purpose
   AND used_at IS NULL AND expires_at > :now AND attempts < :attempts_max;

-- name: attempt(purpose, secret_hash, now, attempts_max)
UPDATE challenges
   SET attempts = attempts + 1
 WHERE secret_hash = :secret_hash AND purpose = :purpose
   AND used_at IS NULL AND expires_at > :now AND attempts < :attempts_max
RETURNING id, user_id, purpose, secret_hash, subject, created_at, expires_at;

-- name: use(id, now)
UPDATE challenges SET used_at = :now WHERE id = :id AND used_at IS NULL AND expires_at > :now RETURNING id;

-- name: answer(user_id, purpose, secret_hash, now, attempts_max)
-- One statement: of many answers at once each is counted, and one at most is the right one.
UPDATE challenges
   SET attempts = attempts + 1,
       used_at = CASE WHEN secret_hash = :secret_hash THEN CAST(:now AS timestamptz) END
 WHERE user_id = :user_id AND purpose = :purpose
   AND used_at IS NULL AND expires_at > :now AND attempts < :attempts_max
RETURNING id, user_id, purpose, secret_hash, subject, created_at, expires_at, used_at IS NOT NULL AS is_right;
