-- name: lock_batch(wallet_ids, currencies, limit_user_ids, limit_kinds, limit_currencies, key_user_ids, keys)
-- Accounts, then limits, locked in order; then, with a later snapshot, the keys that are settled and the clock. One round
-- trip: the statements are those of the function, which a migration has.
SELECT accounts, limits, settled, now_locked
  FROM lock_batch(CAST(:wallet_ids AS uuid[]), CAST(:currencies AS text[]),
                  CAST(:limit_user_ids AS uuid[]), CAST(:limit_kinds AS text[]), CAST(:limit_currencies AS text[]),
                  CAST(:key_user_ids AS uuid[]), CAST(:keys AS text[]));

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
