-- name: lock_owner(user_id)
-- One change to a person's wallets at a time: what their number and their default one are decided by.
SELECT name FROM users WHERE id = :user_id FOR NO KEY UPDATE;

-- name: count_wallets(user_id)
SELECT count(*) FROM wallets WHERE user_id = :user_id;

-- name: add_wallet(id, user_id, name, currency, is_default, created_at)!
INSERT INTO wallets (id, user_id, name, currency, is_default, created_at)
VALUES (:id, :user_id, :name, :currency, :is_default, :created_at);

-- name: add_account(id, wallet_id, user_id, currency)!
-- It stands as its person and its wallet do, who are locked: neither becomes another way meanwhile.
INSERT INTO accounts (id, wallet_id, user_id, currency, status)
SELECT :id, w.id, u.id, :currency, CASE WHEN u.status = 'deactivated' THEN 'deactivated' ELSE w.status END
  FROM wallets w
 CROSS JOIN users u
 WHERE w.id = :wallet_id AND u.id = :user_id;

-- name: find_wallets(user_id, wallet_id)
-- A row for each account; all wallets of the person, or the one asked for.
SELECT w.name AS wallet_name, w.currency AS wallet_currency, w.status AS wallet_status, w.is_default,
       w.version AS wallet_version, w.created_at,
       a.id, a.wallet_id, a.user_id, CAST(NULL AS text) AS holder, a.currency, a.balance, a.held, a.version,
       a.declines, a.declined_on, a.declined_today, a.status
  FROM wallets w
  JOIN accounts a ON a.wallet_id = w.id
 WHERE w.user_id = :user_id AND (CAST(:wallet_id AS uuid) IS NULL OR w.id = :wallet_id)
 ORDER BY w.created_at, w.id, a.currency <> w.currency, a.currency;

-- name: find_account(user_id, wallet_id, currency)
-- The account in that currency, or in the wallet's own.
SELECT a.id, a.wallet_id, a.user_id, CAST(NULL AS text) AS holder, a.currency, a.balance, a.held, a.version,
       a.declines, a.declined_on, a.declined_today, a.status
  FROM wallets w
  JOIN accounts a ON a.wallet_id = w.id AND a.currency = coalesce(CAST(:currency AS text), w.currency)
 WHERE w.id = :wallet_id AND w.user_id = :user_id;

-- name: rename(wallet_id, name)!
UPDATE wallets SET name = :name, version = version + 1 WHERE id = :wallet_id;

-- name: clear_default(user_id)!
UPDATE wallets SET is_default = false, version = version + 1 WHERE user_id = :user_id AND is_default;

-- name: set_default(wallet_id)!
UPDATE wallets SET is_default = true, version = version + 1 WHERE id = :wallet_id;

-- name: find_recipient(email, phone)
-- The default wallet of the person who has shown that they are reached by that address.
SELECT w.id
  FROM users u
  JOIN wallets w ON w.user_id = u.id AND w.is_default
 WHERE (lower(u.email) = lower(CAST(:email AS text)) AND u.email_verified_at IS NOT NULL)
    OR (u.phone = CAST(:phone AS text) AND u.phone_verified_at IS NOT NULL);

-- name: is_settled(user_id, key)
SELECT EXISTS (SELECT FROM transactions WHERE user_id = :user_id AND idempotency_key = :key);
