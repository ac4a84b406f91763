-- name: lock_accounts(wallet_ids, currencies)
-- In id order, so that two batches never wait for each other in a circle.
SELECT a.id, a.wallet_id, a.user_id, u.name AS holder, u.time_zone, a.currency, a.balance, a.held, a.version,
       a.declines, a.declined_on, a.declined_today, a.status
  FROM unnest(CAST(:wallet_ids AS uuid[]), CAST(:currencies AS text[])) AS asked (wallet_id, currency)
  JOIN accounts a ON a.wallet_id = asked.wallet_id AND a.currency = asked.currency
  LEFT JOIN users u ON u.id = a.user_id
 ORDER BY a.id
   FOR NO KEY UPDATE OF a;

-- name: lock_limits(user_ids, kinds, currencies)
-- After the accounts and in key order, for the same reason.
SELECT l.user_id, l.kind, l.currency, l.daily_max, l.monthly_max, l.chosen_daily_max, l.chosen_monthly_max,
       l.counted_in, l.day, l.day_used, l.month_used
  FROM unnest(CAST(:user_ids AS uuid[]), CAST(:kinds AS text[]), CAST(:currencies AS text[]))
       AS asked (user_id, kind, currency)
  JOIN transfer_limits l ON l.user_id = asked.user_id AND l.kind = asked.kind AND l.currency = asked.currency
 ORDER BY l.user_id, l.kind, l.currency
   FOR NO KEY UPDATE OF l;

-- name: read_settled(user_ids, keys)
-- A statement of its own after the locks, so that its snapshot holds what the batch before has committed, and so that
-- the clock is read when nothing is waited for any more. One row at least, for the clock.
SELECT clock_timestamp() AS now_locked, t.*
  FROM (SELECT) AS always
  LEFT JOIN (
       SELECT settled.*
         FROM unnest(CAST(:user_ids AS uuid[]), CAST(:keys AS text[])) AS asked (user_id, idempotency_key)
         JOIN transactions settled
           ON settled.user_id = asked.user_id AND settled.idempotency_key = asked.idempotency_key
       ) AS t ON true;

-- name: read_owners(wallet_ids)
-- Whose the wallets are that hold no account in the currency asked for.
SELECT id, user_id FROM wallets WHERE id = ANY(CAST(:wallet_ids AS uuid[])) AND user_id IS NOT NULL;

-- name: record(accounts, limits, transactions, entries, created_at)!
-- Everything a batch decided, in one statement and one round trip. `n.*` are the columns of the row's type, in the order
-- in which the table's are named here.
WITH moved AS (
    UPDATE accounts a
       SET balance = n.balance, version = n.version, declines = n.declines,
           declined_on = n.declined_on, declined_today = n.declined_today
      FROM unnest(CAST(:accounts AS moved_account[])) AS n
     WHERE a.id = n.id
), counted AS (
    UPDATE transfer_limits l
       SET counted_in = n.counted_in, day = n.day, day_used = n.day_used, month_used = n.month_used
      FROM unnest(CAST(:limits AS counted_limit[])) AS n
     WHERE l.user_id = n.user_id AND l.kind = n.kind AND l.currency = n.currency
), kept AS (
    INSERT INTO transactions
           (id, kind, status, user_id, idempotency_key, fingerprint, request_id, currency, amount,
            source_account_id, source_wallet_id, source_holder, source_balance_after,
            destination_account_id, destination_wallet_id, destination_holder, destination_balance_after,
            note, reference, reason, details, business_date, created_at, completed_at)
    SELECT n.*, :created_at, CASE n.status WHEN 'COMPLETED' THEN CAST(:created_at AS timestamptz) END
      FROM unnest(CAST(:transactions AS kept_transaction[])) AS n
), posted AS (
    INSERT INTO entries (account_id, seq, transaction_id, amount, balance_after)
    SELECT n.* FROM unnest(CAST(:entries AS posted_entry[])) AS n
)
INSERT INTO events (kind, transaction_id, created_at)
SELECT n.kind || CASE n.status WHEN 'COMPLETED' THEN '.completed' ELSE '.failed' END, n.id, :created_at
  FROM unnest(CAST(:transactions AS kept_transaction[])) AS n;

-- name: find_recorded(ids)
-- Asked on a fresh connection when the answer to a commit was lost.
SELECT id FROM transactions WHERE id = ANY(CAST(:ids AS uuid[]));

-- name: open_system_accounts(account_ids, wallet_ids, names, currencies, created_at)!
-- The accounts that money comes from and goes to. Opening them again changes nothing.
WITH asked AS (
    SELECT * FROM unnest(CAST(:account_ids AS uuid[]), CAST(:wallet_ids AS uuid[]), CAST(:names AS text[]),
                         CAST(:currencies AS text[])) AS n (account_id, wallet_id, name, currency)
), opened AS (
    INSERT INTO wallets (id, user_id, name, currency, created_at)
    SELECT DISTINCT ON (wallet_id) wallet_id, CAST(NULL AS uuid), name, currency, CAST(:created_at AS timestamptz)
      FROM asked
     ORDER BY wallet_id
    ON CONFLICT DO NOTHING
)
INSERT INTO accounts (id, wallet_id, user_id, currency)
SELECT account_id, wallet_id, NULL, currency FROM asked
ON CONFLICT DO NOTHING;
