-- no-transaction
-- The worker looks for what is not relayed, in a table where nearly everything is.
CREATE INDEX CONCURRENTLY IF NOT EXISTS events_to_relay ON events (id) WHERE relayed_at IS NULL;
