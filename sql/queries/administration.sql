-- name: lock_person(user_id)
-- First of all: whoever opens a wallet or an account for them holds it too, so that none is opened meanwhile.
SELECT id, name, email, phone, email_verified_at, phone_verified_at, role, status, time_zone, created_at
  FROM users
 WHERE id = :user_id
   FOR NO KEY UPDATE;

-- name: lock_admins()
-- All who can administer, so that of two who leave at once the second sees that the first has left.
SELECT id FROM users WHERE role = 'admin' AND status = 'active' ORDER BY id FOR NO KEY UPDATE;

-- name: find_role(user_id)
SELECT role FROM users WHERE id = :user_id;

-- name: find_owner(wallet_id)
SELECT user_id FROM wallets WHERE id = :wallet_id AND user_id IS NOT NULL;

-- name: lock_wallets(user_id, wallet_id)
-- All wallets of the person, or the one asked for.
SELECT id
  FROM wallets
 WHERE user_id = :user_id AND (CAST(:wallet_id AS uuid) IS NULL OR id = :wallet_id)
 ORDER BY id
   FOR NO KEY UPDATE;

-- name: lock_accounts_of(user_id, wallet_id)
-- In id order, as a batch locks them.
SELECT a.id, a.wallet_id, a.user_id, CAST(NULL AS text) AS holder, a.currency, a.balance, a.held, a.version, a.declines,
       a.declined_on, a.declined_today, a.status
  FROM wallets w
  JOIN accounts a ON a.wallet_id = w.id
 WHERE w.user_id = :user_id AND (CAST(:wallet_id AS uuid) IS NULL OR w.id = :wallet_id)
 ORDER BY a.id
   FOR NO KEY UPDATE OF a;

-- name: now_locked()
-- When nothing is waited for any more.
SELECT clock_timestamp();

-- name: set_wallet_status(wallet_id, status)!
UPDATE wallets SET status = :status, version = version + 1 WHERE id = :wallet_id;

-- name: set_person_status(user_id, status)
-- The sessions of whoever is deactivated end by a trigger.
UPDATE users SET status = :status WHERE id = :user_id
RETURNING id, name, email, phone, email_verified_at, phone_verified_at, role, status, time_zone, created_at;

-- name: restate_accounts(user_id, wallet_id)!
-- As their person and their wallet stand: in all wallets of the person, or in one.
UPDATE accounts a
   SET status = CASE WHEN u.status = 'deactivated' THEN 'deactivated' ELSE w.status END
  FROM wallets w
  JOIN users u ON u.id = w.user_id
 WHERE w.id = a.wallet_id AND u.id = :user_id AND a.user_id = :user_id
   AND (CAST(:wallet_id AS uuid) IS NULL OR w.id = :wallet_id)
   AND a.status <> CASE WHEN u.status = 'deactivated' THEN 'deactivated' ELSE w.status END;

-- name: grant(user_id, currency, kind, daily_max, monthly_max)!
UPDATE transfer_limits
   SET daily_max = :daily_max, monthly_max = :monthly_max
 WHERE user_id = :user_id AND currency = :currency AND kind = :kind;

-- name: end_sessions(user_id, session_id, because)
-- Locked in one order, as by everybody who locks several.
WITH locked AS (
    SELECT id
      FROM sessions
     WHERE user_id = :user_id AND ended_at IS NULL AND expires_at > clock_timestamp()
       AND (CAST(:session_id AS uuid) IS NULL OR id = :session_id)
     ORDER BY id
       FOR NO KEY UPDATE)
UPDATE sessions s
   SET ended_at = clock_timestamp(), ended_because = :because, changed_at = clock_timestamp()
  FROM locked l
 WHERE s.id = l.id
RETURNING s.id;

-- name: whose_session(id)
SELECT user_id FROM sessions WHERE id = :id;

-- name: has_session(user_id, session_id)
SELECT EXISTS (SELECT FROM sessions WHERE id = :session_id AND user_id = :user_id);

-- name: find_people(text, role, status, before, read_max, line_limit)
-- The newest ones first, by the primary key and no more of them than may be read: the last of those is given whether it
-- is wanted or not, and nobody older can be told. Which letters have cases is up to the database's locale.
SELECT *
  FROM (SELECT u.id, u.name, u.email, u.phone, u.email_verified_at, u.phone_verified_at, u.role, u.status, u.time_zone,
               u.created_at,
               row_number() OVER (ORDER BY u.id DESC) = :read_max AS is_last_read,
               (CAST(:text AS text) IS NULL
                OR strpos(lower(u.name), lower(:text)) > 0
                OR strpos(lower(u.email), lower(:text)) > 0
                OR strpos(u.phone, :text) > 0)
               AND (CAST(:role AS text) IS NULL OR u.role = :role)
               AND (CAST(:status AS text) IS NULL OR u.status = :status) AS is_wanted
          FROM users u
         WHERE CAST(:before AS uuid) IS NULL OR u.id < :before
         ORDER BY u.id DESC
         LIMIT CAST(:read_max AS bigint)) AS read
 WHERE read.is_wanted OR read.is_last_read
 LIMIT CAST(:line_limit AS integer);
