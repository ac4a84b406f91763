-- name: add_user(id, name, email, phone, password_hash, role, status, time_zone, created_at)!
INSERT INTO users (id, name, email, phone, password_hash, role, status, time_zone, created_at)
VALUES (:id, :name, :email, :phone, :password_hash, :role, :status, :time_zone, :created_at);

-- name: find_user(id)
SELECT id, name, email, phone, role, status, time_zone, created_at FROM users WHERE id = :id;

-- name: find_user_by_address(email, phone)
-- By whichever address is given; given both, only whoever has both.
SELECT id, name, email, phone, role, status, time_zone, created_at
  FROM users
 WHERE (lower(email) = lower(CAST(:email AS text)) OR phone = CAST(:phone AS text))
   AND (CAST(:email AS text) IS NULL OR lower(email) = lower(CAST(:email AS text)))
   AND (CAST(:phone AS text) IS NULL OR phone = CAST(:phone AS text));

-- name: find_password_hash(id)
SELECT password_hash FROM users WHERE id = :id;

-- name: change_user(id, name, phone, time_zone)
UPDATE users
   SET name = coalesce(:name, name), phone = coalesce(:phone, phone), time_zone = coalesce(:time_zone, time_zone)
 WHERE id = :id
RETURNING id, name, email, phone, role, status, time_zone, created_at;
