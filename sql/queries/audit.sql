-- name: add_entry(id, at, actor_kind, actor_id, session_id, request_id, action, target_kind, target_id, user_id, before, after, reason)!
INSERT INTO audit (id, at, actor_kind, actor_id, session_id, request_id, action, target_kind, target_id, user_id, before,
                   after, reason)
VALUES (:id, :at, :actor_kind, :actor_id, :session_id, :request_id, :action, :target_kind, :target_id, :user_id, :before,
        :after, :reason);

-- name: page(actor_kind, actor_id, action, target_id, user_id, made_from, made_before, before_place, line_limit)
-- From the end of the audit backwards, until the page is full.
SELECT *
  FROM audit
 WHERE (CAST(:actor_kind AS text) IS NULL OR actor_kind = :actor_kind)
   AND (CAST(:actor_id AS uuid) IS NULL OR actor_id = :actor_id)
   AND (CAST(:action AS text) IS NULL OR action = :action)
   AND (CAST(:target_id AS text) IS NULL OR target_id = :target_id)
   AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
   AND (CAST(:made_from AS timestamptz) IS NULL OR at >= :made_from)
   AND (CAST(:made_before AS timestamptz) IS NULL OR at < :made_before)
   AND place < coalesce(CAST(:before_place AS bigint), 9223372036854775807)
 ORDER BY place DESC
 LIMIT CAST(:line_limit AS integer);

-- name: page_of_target(actor_kind, actor_id, action, target_id, user_id, made_from, made_before, before_place, line_limit)
-- The same where a filter is given that an index knows: one query each, for a query has one plan.
SELECT *
  FROM audit
 WHERE target_id = :target_id
   AND (CAST(:actor_kind AS text) IS NULL OR actor_kind = :actor_kind)
   AND (CAST(:actor_id AS uuid) IS NULL OR actor_id = :actor_id)
   AND (CAST(:action AS text) IS NULL OR action = :action)
   AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
   AND (CAST(:made_from AS timestamptz) IS NULL OR at >= :made_from)
   AND (CAST(:made_before AS timestamptz) IS NULL OR at < :made_before)
   AND place < coalesce(CAST(:before_place AS bigint), 9223372036854775807)
 ORDER BY place DESC
 LIMIT CAST(:line_limit AS integer);

-- name: page_of_person(actor_kind, actor_id, action, target_id, user_id, made_from, made_before, before_place, line_limit)
SELECT *
  FROM audit
 WHERE user_id = :user_id
   AND (CAST(:actor_kind AS text) IS NULL OR actor_kind = :actor_kind)
   AND (CAST(:actor_id AS uuid) IS NULL OR actor_id = :actor_id)
   AND (CAST(:action AS text) IS NULL OR action = :action)
   AND (CAST(:target_id AS text) IS NULL OR target_id = :target_id)
   AND (CAST(:made_from AS timestamptz) IS NULL OR at >= :made_from)
   AND (CAST(:made_before AS timestamptz) IS NULL OR at < :made_before)
   AND place < coalesce(CAST(:before_place AS bigint), 9223372036854775807)
 ORDER BY place DESC
 LIMIT CAST(:line_limit AS integer);

-- name: page_of_actor(actor_kind, actor_id, action, target_id, user_id, made_from, made_before, before_place, line_limit)
SELECT *
  FROM audit
 WHERE actor_id = :actor_id
   AND (CAST(:actor_kind AS text) IS NULL OR actor_kind = :actor_kind)
   AND (CAST(:action AS text) IS NULL OR action = :action)
   AND (CAST(:target_id AS text) IS NULL OR target_id = :target_id)
   AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
   AND (CAST(:made_from AS timestamptz) IS NULL OR at >= :made_from)
   AND (CAST(:made_before AS timestamptz) IS NULL OR at < :made_before)
   AND place < coalesce(CAST(:before_place AS bigint), 9223372036854775807)
 ORDER BY place DESC
 LIMIT CAST(:line_limit AS integer);

-- name: try_to_seal(lock_key)
-- One at a time: whoever comes meanwhile has nothing to do. Given back with the transaction.
SELECT pg_try_advisory_xact_lock(:lock_key);

-- name: unsealed(entries_max)
-- Whatever has no seal, in whatever order it became visible: entries of a higher place may have come before. The clock
-- is read with them, so that a seal is never older than what it seals.
SELECT clock_timestamp() AS now_read, a.*
  FROM audit a
 WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.audit_id = a.id)
 ORDER BY a.place
 LIMIT CAST(:entries_max AS bigint);

-- name: last_seal()
SELECT seq, audit_id, hash, sealed_at FROM audit_seals ORDER BY seq DESC LIMIT 1;

-- name: add_seals(seqs, audit_ids, hashes, sealed_at)!
INSERT INTO audit_seals (seq, audit_id, hash, sealed_at)
SELECT n.seq, n.audit_id, n.hash, :sealed_at
  FROM unnest(CAST(:seqs AS bigint[]), CAST(:audit_ids AS uuid[]), CAST(:hashes AS bytea[])) AS n (seq, audit_id, hash);

-- name: chain()
-- All of it, each seal with the entry that it is of; read a part at a time.
SELECT s.seq, s.audit_id, s.hash, s.sealed_at, a.*
  FROM audit_seals s
  LEFT JOIN audit a ON a.id = s.audit_id
 ORDER BY s.seq;
