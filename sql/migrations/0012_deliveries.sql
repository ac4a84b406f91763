-- What becomes of events: what people find in their inbox, what is sent to them, and what they want to be sent.
-- None of these tables has a foreign key to what events tell of: that is never deleted.

-- When somebody was told, or nobody had to be. What happened before there was anybody to tell counts as told: a default
-- is kept once for all the old rows, where an UPDATE would write each of them. The index of what is not relayed comes
-- in a migration of its own, because it is built without keeping writers out.
ALTER TABLE events ADD COLUMN relayed_at timestamptz DEFAULT now();
ALTER TABLE events ALTER COLUMN relayed_at DROP DEFAULT;

-- Each row is written twice, and the second version is what a vacuum has to clear after.
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE notifications (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL,
    event_id   bigint NOT NULL,
    kind       text NOT NULL,
    data       jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    read_at    timestamptz,
    UNIQUE (event_id, user_id)
) WITH (fillfactor = 80);

-- Ids sort by age.
CREATE INDEX notifications_inbox ON notifications (user_id, id DESC);
CREATE INDEX notifications_unread ON notifications (user_id, id DESC) WHERE read_at IS NULL;

-- What differs from the defaults, and nothing else.
CREATE TABLE notification_preferences (
    user_id uuid NOT NULL REFERENCES users,
    kind    text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('mail', 'sms')),
    wanted  boolean NOT NULL,
    PRIMARY KEY (user_id, kind, channel)
);

-- One for each event, channel and recipient. `tries` counts those that were begun: a worker that is killed in the middle
-- of one has made it. While one is being made `next_try_at` lies behind it, so that nobody else makes it too; whoever
-- ends it has to be the one who began it, which the number of tries tells.
CREATE TABLE deliveries (
    id              uuid PRIMARY KEY,
    event_id        bigint NOT NULL,
    notification_id uuid NOT NULL,
    channel         text NOT NULL CHECK (channel IN ('mail', 'sms')),
    recipient       text NOT NULL,
    status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'parked')),
    tries           integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    last_error      text,
    next_try_at     timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    UNIQUE (event_id, channel, recipient),
    CHECK ((status = 'pending') = (ended_at IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX deliveries_due ON deliveries (next_try_at) WHERE status = 'pending';
CREATE INDEX deliveries_parked ON deliveries (id DESC) WHERE status = 'parked';

-- When work that one worker does for all was begun last.
CREATE TABLE scheduled_work (
    name     text PRIMARY KEY,
    begun_at timestamptz NOT NULL
);

GRANT UPDATE (relayed_at) ON events TO wallet_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON notifications, deliveries TO wallet_app;
GRANT SELECT, INSERT, UPDATE ON notification_preferences, scheduled_work TO wallet_app;
