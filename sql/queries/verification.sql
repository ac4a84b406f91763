-- What must be true of the books. Each query looks for the opposite and gives a row for each case of it: none, when all
-- is well. A name begins with the number of the invariant, as docs/architecture.md tells of it. Every table is read once
-- and hashed or sorted as a whole; nothing is looked up row by row.

-- name: i01_each_transaction_sums_to_zero(rows_max)
-- Money is moved, never made: the entries of a transaction cancel out in each currency.
SELECT a.currency, CAST(e.transaction_id AS text) AS subject,
       format('The entries sum to %s.', sum(e.amount)) AS explanation
  FROM entries e
  LEFT JOIN accounts a ON a.id = e.account_id
 GROUP BY e.transaction_id, a.currency
HAVING sum(e.amount) <> 0
 ORDER BY subject, currency
 LIMIT :rows_max;

-- name: i02_each_currency_sums_to_zero(rows_max)
-- What people hold is what the system's accounts owe.
SELECT currency, currency AS subject,
       format('The balances of all accounts sum to %s.', sum(balance)) AS explanation
  FROM accounts
 GROUP BY currency
HAVING sum(balance) <> 0
 ORDER BY subject
 LIMIT :rows_max;

-- name: i03_balance_is_the_sum_of_entries(rows_max)
SELECT a.currency, CAST(a.id AS text) AS subject,
       format('The balance is %s and the entries sum to %s.', a.balance, coalesce(e.total, 0)) AS explanation
  FROM accounts a
  LEFT JOIN (SELECT account_id, sum(amount) AS total FROM entries GROUP BY account_id) AS e ON e.account_id = a.id
 WHERE a.balance <> coalesce(e.total, 0)
 ORDER BY subject
 LIMIT :rows_max;

-- name: i03_balance_is_that_of_the_last_entry(rows_max)
SELECT a.currency, CAST(a.id AS text) AS subject,
       format('The balance is %s and the entry of seq %s says %s.', a.balance, a.version,
              coalesce(CAST(e.balance_after AS text), 'nothing')) AS explanation
  FROM accounts a
  LEFT JOIN entries e ON e.account_id = a.id AND e.seq = a.version
 WHERE a.balance <> coalesce(e.balance_after, 0) OR (a.version > 0 AND e.seq IS NULL)
 ORDER BY subject
 LIMIT :rows_max;

-- name: i04_nobody_is_overdrawn(rows_max)
-- The system's accounts may go below zero; people's may not, and what is held of them is there.
SELECT currency, CAST(id AS text) AS subject, format('The balance is %s and %s is held.', balance, held) AS explanation
  FROM accounts
 WHERE user_id IS NOT NULL AND NOT (0 <= held AND held <= balance)
 ORDER BY subject
 LIMIT :rows_max;

-- name: i04_each_account_is_its_wallets_owners(rows_max)
SELECT a.currency, CAST(a.id AS text) AS subject,
       format('The account is user %s''s and its wallet user %s''s.', coalesce(CAST(a.user_id AS text), 'nobody'),
              coalesce(CAST(w.user_id AS text), 'nobody')) AS explanation
  FROM accounts a
  LEFT JOIN wallets w ON w.id = a.wallet_id
 WHERE w.id IS NULL OR a.user_id IS DISTINCT FROM w.user_id
 ORDER BY subject
 LIMIT :rows_max;

-- name: i05_version_is_the_number_of_entries(rows_max)
-- Entries are numbered from 1 to the account's version.
SELECT a.currency, CAST(a.id AS text) AS subject,
       format('The version is %s, with %s entries from seq %s to %s.', a.version, coalesce(e.number, 0),
              coalesce(e.first, 0), coalesce(e.last, 0)) AS explanation
  FROM accounts a
  LEFT JOIN (SELECT account_id, count(*) AS number, min(seq) AS first, max(seq) AS last
               FROM entries GROUP BY account_id) AS e ON e.account_id = a.id
 WHERE a.version <> coalesce(e.number, 0) OR a.version <> coalesce(e.last, 0) OR e.first <> 1
 ORDER BY subject
 LIMIT :rows_max;

-- name: i05_each_entry_continues_the_one_before(rows_max)
SELECT a.currency, format('%s/%s', chain.account_id, chain.seq) AS subject,
       format('Seq %s with a balance of %s follows seq %s with %s, by an amount of %s.', chain.seq,
              chain.balance_after, chain.seq_before, chain.balance_before, chain.amount) AS explanation
  FROM (SELECT account_id, seq, amount, balance_after,
               lag(seq, 1, CAST(0 AS bigint)) OVER account AS seq_before,
               lag(balance_after, 1, CAST(0 AS bigint)) OVER account AS balance_before
          FROM entries
        WINDOW account AS (PARTITION BY account_id ORDER BY seq)) AS chain
  LEFT JOIN accounts a ON a.id = chain.account_id
 WHERE chain.seq <> chain.seq_before + 1
    OR CAST(chain.balance_before AS numeric) + chain.amount <> chain.balance_after
 ORDER BY chain.account_id, chain.seq
 LIMIT :rows_max;

-- name: i05_declines_is_the_number_of_refusals(rows_max)
-- Recorded against the account of the person who asked.
SELECT a.currency, CAST(a.id AS text) AS subject,
       format('It counts %s refusals, and %s were recorded.', a.declines, coalesce(t.number, 0)) AS explanation
  FROM accounts a
  LEFT JOIN (SELECT CASE kind WHEN 'deposit' THEN destination_account_id ELSE source_account_id END AS account_id,
                    count(*) AS number
               FROM transactions
              WHERE status = 'FAILED'
              GROUP BY 1) AS t ON t.account_id = a.id
 WHERE a.declines <> coalesce(t.number, 0)
 ORDER BY subject
 LIMIT :rows_max;

-- name: i06_what_is_written_stays(rows_max)
-- The triggers that refuse to rewrite the books are at work as they were made, so are the functions that they call (by the
-- sum of their bodies, which a migration that changes one changes here), and nobody but the owner of the tables has a
-- right to, not even to a column.
SELECT CAST(NULL AS text) AS currency, subject, explanation
  FROM (SELECT guard AS subject,
               format('The trigger on %s is missing, switched off or another one.', guarded) AS explanation
          FROM (VALUES ('entries', 'entries_are_append_only', 'refuse_change', 58),
                       ('transactions', 'transactions_are_kept', 'refuse_change', 42),
                       ('transactions', 'transactions_settle_once', 'refuse_rewriting', 19),
                       ('audit', 'audit_is_append_only', 'refuse_change', 58),
                       ('audit_seals', 'audit_seals_are_append_only', 'refuse_change', 58))
               AS wanted (guarded, guard, called, kind)
         WHERE NOT EXISTS (SELECT FROM pg_trigger
                            WHERE tgrelid = to_regclass(guarded) AND tgname = guard AND tgenabled IN ('O', 'A')
                              AND tgfoid = to_regproc(called) AND tgtype = kind AND tgqual IS NULL
                              AND CAST(tgattr AS text) = '')
         UNION ALL
        SELECT called, 'The function is not what the migrations made it.'
          FROM (VALUES ('refuse_change', 'd311a8fc44ef43624418dbe1a12afbb2'),
                       ('refuse_rewriting', '839142b3b4af7478560a11082ef4c131')) AS wanted (called, body)
         WHERE NOT EXISTS (SELECT FROM pg_proc WHERE oid = to_regproc(called) AND md5(prosrc) = body)
         UNION ALL
        SELECT CAST(c.relname AS text), format('%s has the right to %s.', coalesce(r.rolname, 'Everybody'), acl.privilege_type)
          FROM (SELECT oid, relname, relowner, relacl AS rights FROM pg_class
                 UNION ALL
                SELECT t.oid, t.relname, t.relowner, a.attacl
                  FROM pg_class t
                  JOIN pg_attribute a ON a.attrelid = t.oid) AS c
         CROSS JOIN aclexplode(c.rights) AS acl
          LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE c.oid IN (to_regclass('entries'), to_regclass('transactions'), to_regclass('audit'),
                         to_regclass('audit_seals'))
           AND acl.grantee <> c.relowner
           AND acl.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')) AS missing
 ORDER BY subject, explanation
 LIMIT :rows_max;

-- name: i07_completed_has_its_two_entries(rows_max)
-- A completed transaction has the two entries that its row tells of. What did not complete has none.
SELECT currency, CAST(id AS text) AS subject,
       format('It is %s and has %s entries, %s as its source says and %s as its destination says.', status, entries,
              debits, credits) AS explanation
  FROM (SELECT t.id, t.currency, t.status, count(e.account_id) AS entries,
               count(*) FILTER (WHERE e.account_id = t.source_account_id AND e.amount = -t.amount
                                  AND e.balance_after = t.source_balance_after) AS debits,
               count(*) FILTER (WHERE e.account_id = t.destination_account_id AND e.amount = t.amount
                                  AND e.balance_after = t.destination_balance_after) AS credits
          FROM transactions t
          LEFT JOIN entries e ON e.transaction_id = t.id
         GROUP BY t.id) AS counted
 WHERE CASE status WHEN 'COMPLETED' THEN (entries, debits, credits) <> (2, 1, 1) ELSE entries <> 0 END
 ORDER BY subject
 LIMIT :rows_max;

-- name: i08_each_end_is_told_once(rows_max)
-- One event tells how a transaction ended, and it tells the truth. Of what has not ended, none does.
SELECT currency, CAST(id AS text) AS subject,
       format('It is a %s and %s, with %s events of its end, %s of which tell so.', kind, status, ends, truths)
       AS explanation
  FROM (SELECT t.id, t.kind, t.currency, t.status, count(e.id) AS ends,
               count(*) FILTER (WHERE e.kind = t.kind || '.' || lower(t.status)) AS truths
          FROM transactions t
          LEFT JOIN events e ON e.transaction_id = t.id AND e.kind ~ '\.(completed|failed|expired)$'
         GROUP BY t.id) AS told
 WHERE CASE status WHEN 'PENDING' THEN ends <> 0 ELSE (ends, truths) <> (1, 1) END
 ORDER BY subject
 LIMIT :rows_max;

-- name: i08_each_end_says_what_it_must(rows_max)
-- What completed has a time and what failed has a reason, and nothing else has either.
SELECT currency, CAST(id AS text) AS subject,
       format('It is %s with the reason %s, made at %s and completed at %s.', status, coalesce(reason, 'none'),
              created_at, coalesce(CAST(completed_at AS text), 'no time')) AS explanation
  FROM transactions
 WHERE (status = 'COMPLETED') <> (completed_at IS NOT NULL)
    OR (status = 'FAILED') <> (reason IS NOT NULL)
    OR completed_at < created_at
 ORDER BY subject
 LIMIT :rows_max;

-- name: i09_held_is_the_sum_of_open_holds(rows_max)
-- Nothing opens holds yet, so that their sum is zero.
SELECT currency, CAST(id AS text) AS subject, format('%s is held and there are no holds.', held) AS explanation
  FROM accounts
 WHERE held <> 0
 ORDER BY subject
 LIMIT :rows_max;

-- name: i10_each_entry_belongs_to_a_transaction_and_an_account(rows_max)
-- No foreign keys say so.
SELECT coalesce(a.currency, t.currency) AS currency, format('%s/%s', e.account_id, e.seq) AS subject,
       CASE WHEN t.id IS NULL THEN format('There is no transaction %s.', e.transaction_id)
            WHEN a.id IS NULL THEN 'There is no such account.'
            ELSE format('Transaction %s is in %s and the account in %s.', t.id, t.currency, a.currency)
       END AS explanation
  FROM entries e
  LEFT JOIN transactions t ON t.id = e.transaction_id
  LEFT JOIN accounts a ON a.id = e.account_id
 WHERE t.id IS NULL OR a.id IS NULL OR a.currency <> t.currency
 ORDER BY e.account_id, e.seq
 LIMIT :rows_max;

-- name: i10_each_side_is_an_account_of_its_wallet(rows_max)
-- History is read by wallet and the books by account: they must mean the same.
SELECT t.currency, CAST(t.id AS text) AS subject,
       format('The source is account %s of wallet %s in %s, the destination account %s of wallet %s in %s.',
              coalesce(CAST(source.id AS text), 'unknown'), source.wallet_id, source.currency,
              coalesce(CAST(destination.id AS text), 'unknown'), destination.wallet_id, destination.currency)
       AS explanation
  FROM transactions t
  LEFT JOIN accounts source ON source.id = t.source_account_id
  LEFT JOIN accounts destination ON destination.id = t.destination_account_id
 WHERE (t.source_account_id IS DISTINCT FROM source.id)
    OR (t.source_wallet_id IS DISTINCT FROM source.wallet_id)
    OR source.currency <> t.currency
    OR (t.destination_account_id IS DISTINCT FROM destination.id)
    OR (t.destination_wallet_id IS DISTINCT FROM destination.wallet_id)
    OR destination.currency <> t.currency
 ORDER BY subject
 LIMIT :rows_max;

-- name: i10_each_transaction_is_its_owners(rows_max)
-- Whoever asked owns the side that they asked for: the receiving one of a deposit, the paying one of anything else. What
-- comes from the adjustments was asked for by an admin, as the audit has it (I18).
SELECT t.currency, CAST(t.id AS text) AS subject,
       format('User %s asked for a %s of user %s.', t.user_id, t.kind, coalesce(CAST(a.user_id AS text), 'unknown'))
       AS explanation
  FROM transactions t
  LEFT JOIN accounts a
    ON a.id = CASE t.kind WHEN 'deposit' THEN t.destination_account_id ELSE t.source_account_id END
  LEFT JOIN wallets w ON w.id = t.source_wallet_id AND w.user_id IS NULL AND w.name = 'adjustments' AND t.kind = 'deposit'
 WHERE a.user_id IS DISTINCT FROM t.user_id AND w.id IS NULL
 ORDER BY subject
 LIMIT :rows_max;

-- name: i10_each_movement_leads_somewhere(rows_max)
-- An amount of more than zero from one account to another.
SELECT currency, CAST(id AS text) AS subject,
       format('It is of %s from account %s to account %s.', amount, coalesce(CAST(source_account_id AS text), 'none'),
              coalesce(CAST(destination_account_id AS text), 'none')) AS explanation
  FROM transactions
 WHERE amount <= 0 OR source_account_id = destination_account_id
 ORDER BY subject
 LIMIT :rows_max;

-- name: i11_each_key_has_its_fingerprint(rows_max)
-- By which a retry is told from another request under the same key.
SELECT currency, CAST(id AS text) AS subject,
       format('Key %s has a fingerprint of %s bytes.', coalesce(quote_literal(idempotency_key), 'none'),
              coalesce(length(fingerprint), 0)) AS explanation
  FROM transactions
 WHERE (idempotency_key IS NULL) <> (fingerprint IS NULL) OR length(fingerprint) <> 16
 ORDER BY subject
 LIMIT :rows_max;

-- name: i14_each_key_has_one_transaction(rows_max)
-- The row is the idempotency record, for ever.
SELECT min(currency) AS currency, CAST(user_id AS text) AS subject,
       format('Key %s has %s transactions.', quote_literal(idempotency_key), count(*)) AS explanation
  FROM transactions
 WHERE idempotency_key IS NOT NULL
 GROUP BY user_id, idempotency_key
HAVING count(*) > 1
 ORDER BY subject, idempotency_key
 LIMIT :rows_max;

-- name: i15_use_of_a_limit_is_the_sum_of_its_transactions(rows_max)
-- In the window that the limit counts: its business date, and the month of it. Nothing was counted after that date.
SELECT currency, format('%s/%s', user_id, kind) AS subject,
       CASE WHEN day IS NULL THEN format('There is no limit to count the %s that were moved.', ever_moved)
            ELSE format('On %s it counts %s of the day and %s of the month, where %s and %s were moved.', day, day_used,
                        month_used, day_moved, month_moved)
       END AS explanation
  FROM (SELECT user_id, kind, currency, l.day, l.day_used, l.month_used,
               sum(t.amount) AS ever_moved,
               coalesce(sum(t.amount) FILTER (WHERE t.business_date = l.day), 0) AS day_moved,
               coalesce(sum(t.amount) FILTER (
                   WHERE t.business_date >= CAST(date_trunc('month', CAST(l.day AS timestamp)) AS date)), 0) AS month_moved
          FROM transfer_limits l
          FULL JOIN (SELECT user_id, CASE kind WHEN 'withdraw' THEN 'withdrawal' ELSE kind END AS kind, currency,
                            business_date, sum(amount) AS amount
                       FROM transactions
                      WHERE status = 'COMPLETED' AND kind IN ('transfer', 'withdraw')
                      GROUP BY 1, 2, 3, 4) AS t USING (user_id, kind, currency)
         GROUP BY user_id, kind, currency, l.day, l.day_used, l.month_used) AS counted
 WHERE day IS NULL OR day_used <> day_moved OR month_used <> month_moved
 ORDER BY subject, currency
 LIMIT :rows_max;
