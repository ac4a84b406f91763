-- name: standings(user_ids, after_ids, notification_limit)
-- How things stand with everybody who listens, in one question: each of their accounts, and the ids of their newest
-- notifications behind the one given. An id that becomes visible late is found as long as it lies behind that one.
SELECT true AS is_account, a.user_id, a.id, a.wallet_id, a.currency, a.balance, a.held, a.version, a.status
  FROM wallets w
  JOIN accounts a ON a.wallet_id = w.id
 WHERE w.user_id = ANY(CAST(:user_ids AS uuid[]))
UNION ALL
SELECT false, asked.user_id, found.id, NULL, NULL, NULL, NULL, NULL, NULL
  FROM unnest(CAST(:user_ids AS uuid[]), CAST(:after_ids AS uuid[])) AS asked (user_id, after_id)
 CROSS JOIN LATERAL (
      SELECT n.id
        FROM notifications n
       WHERE n.user_id = asked.user_id AND n.id > asked.after_id
       ORDER BY n.id DESC
       LIMIT CAST(:notification_limit AS integer)) AS found;

-- name: lines(account_ids, afters, uptos)
-- The lines of those entries as their accounts see them. An account that pays is the source of the transaction.
SELECT t.*, e.account_id, e.seq, CASE WHEN t.source_account_id = e.account_id THEN 'out' ELSE 'in' END AS direction
  FROM unnest(CAST(:account_ids AS uuid[]), CAST(:afters AS bigint[]), CAST(:uptos AS bigint[]))
    AS asked (account_id, after, upto)
  JOIN entries e ON e.account_id = asked.account_id AND e.seq > asked.after AND e.seq <= asked.upto
  JOIN transactions t ON t.id = e.transaction_id
 ORDER BY e.account_id, e.seq;

-- name: notifications(ids)
SELECT n.id, n.kind, n.data, n.created_at, n.read_at
  FROM notifications n
 WHERE n.id = ANY(CAST(:ids AS uuid[]))
 ORDER BY n.id;
