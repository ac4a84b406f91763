-- name: append_events(kinds, user_ids, subject_ids, facts)!
-- In the transaction of the change that they tell of.
INSERT INTO events (kind, user_id, subject_id, data, created_at)
SELECT n.kind, n.user_id, n.subject_id, n.facts, clock_timestamp()
  FROM unnest(CAST(:kinds AS text[]), CAST(:user_ids AS uuid[]), CAST(:subject_ids AS uuid[]), CAST(:facts AS jsonb[]))
       AS n (kind, user_id, subject_id, facts);
