-- The legs of the movements, and what tells of them, in the order in which they happened.
INSERT INTO entries (account_id, seq, transaction_id, amount, balance_after)
SELECT leg.account_id, leg.seq, m.id, leg.amount, leg.balance_after
  FROM bench_moves m
  JOIN bench_people s ON s.n = m.source
  JOIN bench_people d ON d.n = m.destination
 CROSS JOIN LATERAL (VALUES (s.account_id, m.source_seq, -m.amount, m.source_balance),
                            (d.account_id, m.destination_seq, m.amount, m.destination_balance))
       AS leg (account_id, seq, amount, balance_after);

INSERT INTO events (kind, transaction_id, created_at)
SELECT kind || '.completed', id, moment FROM bench_moves;
