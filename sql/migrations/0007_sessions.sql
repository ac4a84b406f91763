-- Sessions: what a log-in begins on one device, and the refresh tokens that keep it going.

-- Whether codes are asked for besides the password. Kept in step by whatever turns them on and off, so that a session
-- is read with its person and nothing else.
ALTER TABLE users ADD COLUMN second_factor boolean NOT NULL DEFAULT false;

-- `changed_at` is when something of it changed that every process must know, by the server's own clock: the end of the
-- session, its proof, and what its person may do. Being used is no such thing. `last_seen_at` is written now and then,
-- and in time: it is in no index, so that this stays cheap. `proved_at` is when the password, and a code where one is
-- asked for, were given last; nothing means that they have to be given again.
CREATE TABLE sessions (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users,
    device        text NOT NULL,
    address       text,
    created_at    timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    proved_at     timestamptz,
    refreshes     integer NOT NULL DEFAULT 0 CHECK (refreshes >= 0),
    ended_at      timestamptz,
    ended_because text,
    changed_at    timestamptz,
    CHECK ((ended_at IS NULL) = (ended_because IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_changed_at ON sessions (changed_at) WHERE changed_at IS NOT NULL;

-- A family of tokens for each session, each given for the one before it. `hash` is SHA-256: nobody reads a token here.
CREATE TABLE refresh_tokens (
    hash       bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL,
    spent_at   timestamptz
);

CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- Whoever changes what a person may do, by whatever program, changes it for the sessions that are open.
CREATE FUNCTION tell_sessions_of_their_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- In one order for all who lock several of them.
    PERFORM FROM sessions WHERE user_id = NEW.id AND ended_at IS NULL ORDER BY id FOR NO KEY UPDATE;
    IF NEW.status = 'deactivated' THEN
        UPDATE sessions
           SET ended_at = clock_timestamp(), ended_because = 'account_deactivated', changed_at = clock_timestamp()
         WHERE user_id = NEW.id AND ended_at IS NULL;
    ELSE
        UPDATE sessions SET changed_at = clock_timestamp() WHERE user_id = NEW.id AND ended_at IS NULL;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER sessions_follow_their_person AFTER UPDATE OF role, status, second_factor ON users
    FOR EACH ROW
    WHEN ((OLD.role, OLD.status, OLD.second_factor) IS DISTINCT FROM (NEW.role, NEW.status, NEW.second_factor))
    EXECUTE FUNCTION tell_sessions_of_their_person();

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO wallet_app;
GRANT SELECT, INSERT, UPDATE ON refresh_tokens TO wallet_app;
