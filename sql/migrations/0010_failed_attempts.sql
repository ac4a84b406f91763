-- What throttling counts that must outlive every cache. Keys are digests that only the service can make: nobody reads
-- from them whom or what they count. Rows that have not changed for a day mean nothing any more and are deleted.

-- Failures one after the other; `free_at` is when the next attempt may be made.
CREATE TABLE failed_attempts (
    key        bytea PRIMARY KEY,
    failures   integer NOT NULL CHECK (failures > 0),
    counted_at timestamptz NOT NULL,
    free_at    timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX failed_attempts_counted_at ON failed_attempts (counted_at);

-- When messages went out, the latest last, as many as their limit asks about.
CREATE TABLE sent_messages (
    key     bytea PRIMARY KEY,
    moments timestamptz[] NOT NULL,
    sent_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX sent_messages_sent_at ON sent_messages (sent_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON failed_attempts, sent_messages TO wallet_app;
