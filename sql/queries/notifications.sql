-- name: find_notifications(user_id, after, rows_max)
-- Ids sort by age.
SELECT id, kind, data, created_at, read_at
  FROM notifications
 WHERE user_id = :user_id
   AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
 ORDER BY id DESC
 LIMIT CAST(:rows_max AS bigint);

-- name: find_unread(user_id, after, rows_max)
SELECT id, kind, data, created_at, read_at
  FROM notifications
 WHERE user_id = :user_id AND read_at IS NULL
   AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
 ORDER BY id DESC
 LIMIT CAST(:rows_max AS bigint);

-- name: count_unread(user_id, most)
SELECT count(*)
  FROM (SELECT FROM notifications WHERE user_id = :user_id AND read_at IS NULL LIMIT CAST(:most AS bigint)) AS unread;

-- name: mark_read(user_id, ids, now)
-- Those of theirs; all where none are named. Locked in one order, as by everybody who marks several.
WITH marked AS (
    SELECT id
      FROM notifications
     WHERE user_id = :user_id AND read_at IS NULL
       AND (CAST(:ids AS uuid[]) IS NULL OR id = ANY(CAST(:ids AS uuid[])))
     ORDER BY id
       FOR NO KEY UPDATE)
UPDATE notifications n SET read_at = :now FROM marked WHERE n.id = marked.id RETURNING n.id;

-- name: drop_notifications(before_id, row_limit)
-- Not those of which there still is a delivery. OFFSET 0 has each looked up by key.
DELETE FROM notifications
 WHERE id = ANY(ARRAY(
       SELECT n.id
         FROM notifications n
        WHERE n.id < CAST(:before_id AS uuid)
          AND NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = n.event_id OFFSET 0)
        ORDER BY n.id
        LIMIT CAST(:row_limit AS bigint)))
RETURNING id;

-- name: find_choices(user_id)
SELECT kind, channel, wanted FROM notification_preferences WHERE user_id = :user_id;

-- name: keep_choices(user_id, kinds, channels, wanted)!
INSERT INTO notification_preferences (user_id, kind, channel, wanted)
SELECT :user_id, n.*
  FROM unnest(CAST(:kinds AS text[]), CAST(:channels AS text[]), CAST(:wanted AS boolean[])) AS n
    ON CONFLICT (user_id, kind, channel) DO UPDATE SET wanted = excluded.wanted;
