-- The movements as the service keeps them, in the order in which they happened.
INSERT INTO transactions
       (id, kind, status, user_id, idempotency_key, fingerprint, currency, amount,
        source_account_id, source_wallet_id, source_holder, source_balance_after,
        destination_account_id, destination_wallet_id, destination_holder, destination_balance_after,
        business_date, created_at, completed_at)
SELECT m.id, m.kind, 'COMPLETED', coalesce(s.user_id, d.user_id),
       'before-' || lpad(CAST(m.n AS text), 25, '0'), uuid_send(m.id), 'USD', m.amount,
       s.account_id, s.wallet_id, s.holder, m.source_balance,
       d.account_id, d.wallet_id, d.holder, m.destination_balance,
       CAST(m.moment AT TIME ZONE 'UTC' AS date), m.moment, m.moment
  FROM bench_moves m
  JOIN bench_people s ON s.n = m.source
  JOIN bench_people d ON d.n = m.destination;
