-- What entries must be true of that were written since an earlier run: the invariants of verification.sql, asked of
-- those alone. Each account is probed once by the key of its entries, so that the cost is that of one pass over the
-- accounts and of what is new. A case names its invariant itself, because one pass looks for several.

-- name: lock_marks()!
-- Before the snapshot is taken: two runs at once would each go on from where the other began.
LOCK TABLE verified_accounts IN SHARE ROW EXCLUSIVE MODE;

-- name: accounts(rows_max)
-- New entries go on where the verified ones ended, and lead to the account's balance and version.
SELECT found.invariant, checked.currency, found.subject, found.explanation
  FROM (SELECT a.id, a.currency, a.balance, a.version, coalesce(v.seq, 0) AS seq_before,
               coalesce(v.balance, 0) AS balance_before, fresh.number, fresh.total,
               coalesce(fresh.last_seq, v.seq, 0) AS last_seq,
               coalesce(fresh.last_balance, v.balance, 0) AS last_balance, fresh.first_break
          FROM accounts a
          LEFT JOIN verified_accounts v ON v.account_id = a.id
         CROSS JOIN LATERAL (
               SELECT count(*) AS number, coalesce(sum(amount), 0) AS total, max(seq) AS last_seq,
                      max(balance_after) FILTER (WHERE is_last) AS last_balance,
                      min(seq) FILTER (WHERE is_break) AS first_break
                 FROM (SELECT seq, amount, balance_after, lead(seq) OVER upwards IS NULL AS is_last,
                              seq <> lag(seq, 1, coalesce(v.seq, 0)) OVER upwards + 1
                              OR CAST(lag(balance_after, 1, coalesce(v.balance, 0)) OVER upwards AS numeric) + amount
                                 <> balance_after AS is_break
                         FROM entries
                        WHERE account_id = a.id AND seq > coalesce(v.seq, 0)
                       WINDOW upwards AS (ORDER BY seq)) AS chain) AS fresh) AS checked
 CROSS JOIN LATERAL (VALUES
       ('i03_balance_is_the_sum_of_entries', CAST(id AS text), balance <> balance_before + total,
        format('The balance is %s, %s was verified, and the entries since sum to %s.', balance, balance_before, total)),
       ('i03_balance_is_that_of_the_last_entry', CAST(id AS text), balance <> last_balance,
        format('The balance is %s and the last entry says %s.', balance, last_balance)),
       ('i05_version_is_the_number_of_entries', CAST(id AS text),
        version <> seq_before + number OR version <> last_seq,
        format('The version is %s, %s entries were verified and %s are new, up to seq %s.', version, seq_before, number,
               last_seq)),
       ('i05_each_entry_continues_the_one_before', format('%s/%s', id, first_break), first_break IS NOT NULL,
        'It does not follow the entry before, the first new one of the account of which that is so.')
       ) AS found (invariant, subject, is_broken, explanation)
 WHERE found.is_broken
 ORDER BY found.invariant, found.subject
 LIMIT :rows_max;

-- name: transactions(rows_max)
-- New entries are the two legs of a completed transaction, in its currency, and they cancel out. OFFSET 0 has each
-- account and each new entry looked up by key: left to itself the planner takes a third of all entries to be new, and
-- reads the whole history for that.
SELECT found.invariant, moved.currency, moved.subject, found.explanation
  FROM (SELECT CAST(leg.transaction_id AS text) AS subject, min(leg.status) AS status, min(leg.currency) AS currency,
               coalesce(count(DISTINCT leg.currency) > 1 OR min(leg.currency) <> min(leg.moved_currency), true)
               AS is_foreign,
               count(*) AS legs, sum(leg.amount) AS total, count(*) FILTER (WHERE leg.is_debit) AS debits,
               count(*) FILTER (WHERE leg.is_credit) AS credits
          FROM (SELECT e.transaction_id, e.amount, a.currency, t.status, t.currency AS moved_currency,
                       e.account_id = t.source_account_id AND e.amount = -t.amount
                       AND e.balance_after = t.source_balance_after AS is_debit,
                       e.account_id = t.destination_account_id AND e.amount = t.amount
                       AND e.balance_after = t.destination_balance_after AS is_credit
                  FROM accounts a
                  LEFT JOIN verified_accounts v ON v.account_id = a.id
                 CROSS JOIN LATERAL (SELECT * FROM entries
                                      WHERE account_id = a.id AND seq > coalesce(v.seq, 0) OFFSET 0) AS e
                  LEFT JOIN LATERAL (SELECT * FROM transactions
                                      WHERE id = e.transaction_id OFFSET 0) AS t ON true) AS leg
         GROUP BY leg.transaction_id) AS moved
 CROSS JOIN LATERAL (VALUES
       ('i01_each_transaction_sums_to_zero', total <> 0, format('Its new entries sum to %s.', total)),
       ('i07_completed_has_its_two_entries',
        status IS NOT NULL AND (status, legs, debits, credits) <> ('COMPLETED', 2, 1, 1),
        format('It is %s and has %s new entries, %s as its source says and %s as its destination says.', status, legs,
               debits, credits)),
       ('i10_each_entry_belongs_to_a_transaction_and_an_account', is_foreign,
        CASE WHEN status IS NULL THEN 'There is no such transaction.'
             ELSE 'An account of its entries is in another currency.' END)
       ) AS found (invariant, is_broken, explanation)
 WHERE found.is_broken
 ORDER BY found.invariant, moved.subject
 LIMIT :rows_max;

-- name: remember()!
-- What was just verified is where the next run goes on.
INSERT INTO verified_accounts AS v (account_id, seq, balance)
SELECT a.id, a.version, a.balance
  FROM accounts a
  LEFT JOIN verified_accounts known ON known.account_id = a.id
 WHERE a.version > coalesce(known.seq, 0)
ON CONFLICT (account_id) DO UPDATE SET seq = excluded.seq, balance = excluded.balance;
