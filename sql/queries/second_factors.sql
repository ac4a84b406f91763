-- name: lock_person(user_id)
-- One change to a person's second factor at a time, and always before their sessions.
SELECT id FROM users WHERE id = :user_id FOR NO KEY UPDATE;

-- name: forget_unfinished(user_id)!
DELETE FROM second_factors WHERE user_id = :user_id AND enabled_at IS NULL;

-- name: add_factor(id, user_id, secret, created_at)
-- Not beside one that is turned on.
INSERT INTO second_factors (id, user_id, secret, created_at)
VALUES (:id, :user_id, :secret, :created_at)
    ON CONFLICT (user_id) DO NOTHING
RETURNING id;

-- name: add_recovery_codes(factor_id, hashes)!
INSERT INTO recovery_codes (factor_id, hash) SELECT :factor_id, unnest(CAST(:hashes AS bytea[]));

-- name: find_factor(user_id)
SELECT id, user_id, secret, last_step, enabled_at, created_at FROM second_factors WHERE user_id = :user_id;

-- name: turn_on(id, step, now)
UPDATE second_factors SET enabled_at = :now, last_step = :step WHERE id = :id AND enabled_at IS NULL RETURNING id;

-- name: note_on_person(user_id, second_factor)!
-- The person's sessions are told by a trigger.
UPDATE users SET second_factor = :second_factor WHERE id = :user_id;

-- name: prove_only(user_id, session_id, now)!
-- Who has not shown a code on another device has not proved there what is asked for from now on.
UPDATE sessions
   SET proved_at = CASE WHEN id = :session_id THEN CAST(:now AS timestamptz) END, changed_at = clock_timestamp()
 WHERE user_id = :user_id AND ended_at IS NULL;

-- name: advance(id, step)
-- The row's lock puts many at once in order, and each sees the step that the one before it left.
UPDATE second_factors
   SET last_step = :step
 WHERE id = :id AND enabled_at IS NOT NULL AND (last_step IS NULL OR last_step < :step)
RETURNING last_step;

-- name: spend(factor_id, hash)
UPDATE recovery_codes r
   SET used_at = clock_timestamp()
  FROM second_factors f
 WHERE r.factor_id = :factor_id AND r.hash = :hash AND r.used_at IS NULL
   AND f.id = r.factor_id AND f.enabled_at IS NOT NULL
RETURNING r.factor_id;

-- name: count_recovery_codes(factor_id)
SELECT count(*) FROM recovery_codes WHERE factor_id = :factor_id AND used_at IS NULL;

-- name: turn_off(id)
DELETE FROM second_factors WHERE id = :id RETURNING id;

-- name: count_without(mark)
SELECT count(*) FROM second_factors WHERE substring(secret FOR octet_length(CAST(:mark AS bytea))) <> CAST(:mark AS bytea);

-- name: page_without(mark, after, page_length)
SELECT id, secret
  FROM second_factors
 WHERE substring(secret FOR octet_length(CAST(:mark AS bytea))) <> CAST(:mark AS bytea)
   AND (CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid))
 ORDER BY id
 LIMIT :page_length;

-- name: reseal(ids, befores, afters)
-- What has changed since it was read stays as it is. Locked in the order of their ids, so that two rotations at a time
-- never wait for each other in a circle.
UPDATE second_factors f
   SET secret = n.after
  FROM (SELECT f.id, n.after
          FROM unnest(CAST(:ids AS uuid[]), CAST(:befores AS bytea[]), CAST(:afters AS bytea[]))
               AS n (id, before, after)
          JOIN second_factors f ON f.id = n.id AND f.secret = n.before
         ORDER BY f.id
           FOR NO KEY UPDATE OF f) AS n
 WHERE f.id = n.id
RETURNING f.id;
