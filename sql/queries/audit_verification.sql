-- What must be true of the audit and of the states that it tells of, asked as verification.sql asks. What stands in the
-- audit's own columns may be anything, once somebody has tampered with it: nothing here fails by it.

-- name: i17_nothing_moves_where_nothing_may(rows_max)
-- Between a freeze and its end, or a person's deactivation and its end, no account of theirs has an entry. Which entries
-- are between is told by the versions of the accounts, which the audit has, and not by any clock. An account that was
-- opened meanwhile begins with none. A version that was higher at the beginning is none that the audit ever had.
WITH changes AS (
    SELECT target_kind, target_id, action, after, place,
           lead(place) OVER target AS next_place, lead(after) OVER target AS next_after
      FROM audit
     WHERE action IN ('wallet.frozen', 'wallet.unfrozen', 'person.deactivated', 'person.activated')
    WINDOW target AS (PARTITION BY target_kind, target_id ORDER BY place)
), spans AS (
    SELECT a.id AS account_id, a.currency, c.action,
           CASE WHEN c.after -> 'accounts' ->> CAST(a.id AS text) ~ '^[0-9]{1,18}$'
                THEN CAST(c.after -> 'accounts' ->> CAST(a.id AS text) AS bigint) ELSE 0 END AS version,
           CASE WHEN c.next_place IS NULL THEN a.version
                WHEN c.next_after -> 'accounts' ->> CAST(a.id AS text) ~ '^[0-9]{1,18}$'
                THEN CAST(c.next_after -> 'accounts' ->> CAST(a.id AS text) AS bigint) ELSE 0 END AS next_version
      FROM changes c
      JOIN (SELECT id, currency, version, 'wallet' AS target_kind, CAST(wallet_id AS text) AS target_id FROM accounts
             UNION ALL
            SELECT id, currency, version, 'person', CAST(user_id AS text) FROM accounts WHERE user_id IS NOT NULL) AS a
        ON a.target_kind = c.target_kind AND a.target_id = c.target_id
     WHERE c.action IN ('wallet.frozen', 'person.deactivated')
)
SELECT s.currency, CAST(s.account_id AS text) AS subject,
       format('From %s at version %s on it moves nothing, and it was at version %s before that ended.',
              s.action, s.version, s.next_version) AS explanation
  FROM spans s
 WHERE s.next_version <> s.version
 ORDER BY subject
 LIMIT :rows_max;

-- name: i18_each_state_is_as_the_audit_has_it(rows_max)
-- What is frozen or deactivated was made so by the last change that is kept of it, and nothing else is.
WITH last AS (
    SELECT DISTINCT ON (target_kind, target_id) target_kind, target_id, action
      FROM audit
     WHERE action IN ('wallet.frozen', 'wallet.unfrozen', 'person.deactivated', 'person.activated')
     ORDER BY target_kind, target_id, place DESC
)
SELECT CAST(NULL AS text) AS currency, stands.target_id AS subject,
       format('The %s is %s, and the last change that is kept of it is %s.', stands.target_kind, stands.status,
              coalesce(last.action, 'none')) AS explanation
  FROM (SELECT 'wallet' AS target_kind, CAST(id AS text) AS target_id, status FROM wallets
         UNION ALL
        SELECT 'person', CAST(id AS text), status FROM users) AS stands
  LEFT JOIN last ON last.target_kind = stands.target_kind AND last.target_id = stands.target_id
 WHERE (stands.status IN ('frozen', 'deactivated'))
       <> coalesce(last.action IN ('wallet.frozen', 'person.deactivated'), false)
 ORDER BY subject
 LIMIT :rows_max;

-- name: i18_each_state_reaches_its_accounts(rows_max)
-- Which is where movements look: those of the system too, which have no person.
SELECT a.currency, CAST(a.id AS text) AS subject,
       format('The account is %s, its wallet %s and its person %s.', a.status, w.status, coalesce(u.status, 'the system'))
       AS explanation
  FROM accounts a
  JOIN wallets w ON w.id = a.wallet_id
  LEFT JOIN users u ON u.id = a.user_id
 WHERE a.status <> CASE WHEN u.status = 'deactivated' THEN 'deactivated' ELSE w.status END
 ORDER BY subject
 LIMIT :rows_max;

-- name: i18_nobody_who_is_deactivated_is_logged_in(rows_max)
-- Their sessions ended with them, and nobody begins one for them.
SELECT CAST(NULL AS text) AS currency, CAST(s.id AS text) AS subject,
       format('The session of person %s, who is deactivated, has not ended.', u.id) AS explanation
  FROM sessions s
  JOIN users u ON u.id = s.user_id
 WHERE u.status = 'deactivated' AND s.ended_at IS NULL
 ORDER BY subject
 LIMIT :rows_max;

-- name: i18_each_session_that_an_admin_ended_has_its_entry(rows_max)
SELECT CAST(NULL AS text) AS currency, CAST(s.id AS text) AS subject,
       format('The session of person %s was ended by an admin, and no entry is of it.', s.user_id) AS explanation
  FROM sessions s
  LEFT JOIN (SELECT DISTINCT a.target_id, each.id
               FROM audit a
              CROSS JOIN jsonb_array_elements_text(
                    CASE WHEN jsonb_typeof(a.after -> 'sessions') = 'array' THEN a.after -> 'sessions' ELSE '[]' END)
                    AS each (id)
              WHERE a.action = 'sessions.ended') AS ended
    ON ended.id = CAST(s.id AS text) AND ended.target_id = CAST(s.user_id AS text)
 WHERE s.ended_because = 'ended_by_admin' AND ended.id IS NULL
 ORDER BY subject
 LIMIT :rows_max;

-- name: i18_each_change_has_its_event(rows_max)
-- One, of the same person and wallet, that names the entry; and no such event is of anything else.
SELECT CAST(NULL AS text) AS currency, coalesce(CAST(a.id AS text), e.audit_id, e.subject) AS subject,
       format('The entry of %s has %s events.', coalesce(a.action, 'nothing'), count(e.subject)) AS explanation
  FROM (SELECT id, action, user_id, CASE target_kind WHEN 'wallet' THEN target_id ELSE '' END AS wallet_id
          FROM audit
         WHERE action IN ('wallet.frozen', 'wallet.unfrozen', 'person.deactivated', 'person.activated',
                          'limits.changed')) AS a
  FULL JOIN (SELECT CAST(id AS text) AS subject, kind, user_id, data ->> 'audit_id' AS audit_id,
                    coalesce(CAST(subject_id AS text), '') AS wallet_id
               FROM events
              WHERE kind IN ('wallet.frozen', 'wallet.unfrozen', 'person.deactivated', 'person.activated',
                             'limits.changed')) AS e
    ON e.audit_id = CAST(a.id AS text) AND e.kind = a.action AND e.user_id = a.user_id AND e.wallet_id = a.wallet_id
 GROUP BY a.id, a.action, coalesce(CAST(a.id AS text), e.audit_id, e.subject)
HAVING a.id IS NULL OR count(e.subject) <> 1
 ORDER BY subject
 LIMIT :rows_max;

-- name: i18_each_adjustment_has_its_entry(rows_max)
-- What came from the adjustments was deposited by somebody for a reason, once, as much as the entry says, to whom it says
-- and by whom: an operator is nobody who could log in.
SELECT min(t.currency) AS currency, coalesce(CAST(t.id AS text), a.transaction_id, min(CAST(a.id AS text))) AS subject,
       format('The deposit of %s has %s entries in the audit.', coalesce(CAST(t.amount AS text), 'nothing'), count(a.id))
       AS explanation
  FROM (SELECT t.id, t.currency, t.amount, t.user_id AS actor_id, t.destination_wallet_id, d.user_id
          FROM transactions t
          JOIN wallets w ON w.id = t.source_wallet_id AND w.user_id IS NULL AND w.name = 'adjustments'
          LEFT JOIN wallets d ON d.id = t.destination_wallet_id
         WHERE t.status = 'COMPLETED') AS t
  FULL JOIN (SELECT id, target_id, actor_id, user_id, after ->> 'transaction_id' AS transaction_id,
                    after ->> 'amount' AS amount
               FROM audit
              WHERE action = 'deposit.made') AS a
    ON a.transaction_id = CAST(t.id AS text) AND a.amount = CAST(t.amount AS text)
   AND a.target_id = CAST(t.destination_wallet_id AS text) AND a.user_id = t.user_id
   AND coalesce(a.actor_id, t.actor_id) = t.actor_id
 GROUP BY t.id, t.amount, a.transaction_id
HAVING t.id IS NULL OR count(a.id) <> 1
 ORDER BY subject
 LIMIT :rows_max;

-- name: i18_each_grant_is_as_the_audit_has_it(rows_max)
-- The limits that an operator has changed for somebody are what they were changed to last.
WITH last AS (
    SELECT DISTINCT ON (target_id, after ->> 'currency') target_id, after ->> 'currency' AS currency, after
      FROM audit
     WHERE action = 'limits.changed'
     ORDER BY target_id, after ->> 'currency', place DESC
)
SELECT l.currency, format('%s/%s', l.user_id, l.kind) AS subject,
       format('%s a day and %s a month are granted, and %s and %s were granted last.', l.daily_max, l.monthly_max,
              last.after -> l.kind ->> 'daily', last.after -> l.kind ->> 'monthly') AS explanation
  FROM transfer_limits l
  JOIN last ON last.target_id = CAST(l.user_id AS text) AND last.currency = l.currency
 WHERE (last.after -> l.kind ->> 'daily') IS DISTINCT FROM CAST(l.daily_max AS text)
    OR (last.after -> l.kind ->> 'monthly') IS DISTINCT FROM CAST(l.monthly_max AS text)
 ORDER BY subject
 LIMIT :rows_max;
