-- name: add_user(id, name, email, phone, email_verified_at, phone_verified_at, password_hash, role, status, time_zone, created_at)!
INSERT INTO users (id, name, email, phone, email_verified_at, phone_verified_at, password_hash, role, status, time_zone,
                   created_at)
VALUES (:id, :name, :email, :phone, :email_verified_at, :phone_verified_at, :password_hash, :role, :status, :time_zone,
        :created_at);

-- name: find_user(id)
SELECT id, name, email, phone, email_verified_at, phone_verified_at, role, status, time_zone, created_at
  FROM users
 WHERE id = :id;

-- name: lock_user(id)
-- Before a change of which it matters what they were before.
SELECT id, name, email, phone, email_verified_at, phone_verified_at, role, status, time_zone, created_at
  FROM users
 WHERE id = :id
   FOR NO KEY UPDATE;

-- name: find_user_by_address(email, phone)
-- By whichever address is given; given both, only whoever has both.
SELECT id, name, email, phone, email_verified_at, phone_verified_at, role, status, time_zone, created_at
  FROM users
 WHERE (lower(email) = lower(CAST(:email AS text)) OR phone = CAST(:phone AS text))
   AND (CAST(:email AS text) IS NULL OR lower(email) = lower(CAST(:email AS text)))
   AND (CAST(:phone AS text) IS NULL OR phone = CAST(:phone AS text));

-- name: find_password_hash(id)
SELECT password_hash FROM users WHERE id = :id;

-- name: replace_password_hash(id, hashed, instead_of)
-- Where nothing is given it is in place of whatever there is.
UPDATE users
   SET password_hash = :hashed
 WHERE id = :id AND (CAST(:instead_of AS text) IS NULL OR password_hash = CAST(:instead_of AS text))
RETURNING id;

-- name: change_user(id, name, email, phone, time_zone)
-- Another address than before has yet to be shown to be theirs.
UPDATE users
   SET name = coalesce(:name, name),
       email = coalesce(:email, email),
       email_verified_at = CASE WHEN lower(email) = lower(coalesce(:email, email)) THEN email_verified_at END,
       phone = coalesce(:phone, phone),
       phone_verified_at = CASE WHEN phone = coalesce(:phone, phone) THEN phone_verified_at END,
       time_zone = coalesce(:time_zone, time_zone)
 WHERE id = :id
RETURNING id, name, email, phone, email_verified_at, phone_verified_at, role, status, time_zone, created_at;

-- name: verify_address(id, email, phone, now)
-- The first moment counts, and only for the addresses that they have now.
UPDATE users
   SET email_verified_at = CASE WHEN lower(email) = lower(CAST(:email AS text))
                                THEN coalesce(email_verified_at, :now) ELSE email_verified_at END,
       phone_verified_at = CASE WHEN phone = CAST(:phone AS text)
                                THEN coalesce(phone_verified_at, :now) ELSE phone_verified_at END
 WHERE id = :id
RETURNING id, name, email, phone, email_verified_at, phone_verified_at, role, status, time_zone, created_at;

-- name: warn(id, now, unless_since)
UPDATE users SET warned_at = :now WHERE id = :id AND (warned_at IS NULL OR warned_at <= :unless_since) RETURNING id;
