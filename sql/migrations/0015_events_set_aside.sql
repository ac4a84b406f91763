-- Until when an event is left alone that could not be told: it holds up no others, and still counts as not relayed.
ALTER TABLE events ADD COLUMN relay_after timestamptz;

GRANT UPDATE (relay_after) ON events TO wallet_app;
