-- Administration: who changed what and why, kept for good, and the events of what is no movement.

-- An event is of a transaction, or else of a person: `user_id` is whom a change of state is about, `subject_id` what of
-- theirs it is about (a wallet, say), `data` what there is to tell of it. Whoever asked for a transaction
-- (`transactions.user_id`) is not always whose wallet it is: of a deposit by an admin it is the admin.
-- What is there already is of transactions; that is not read through again while everybody waits.
ALTER TABLE events
    ALTER COLUMN transaction_id DROP NOT NULL,
    ADD COLUMN user_id uuid,
    ADD COLUMN subject_id uuid,
    ADD COLUMN data jsonb,
    ADD CONSTRAINT events_are_of_something CHECK (transaction_id IS NOT NULL OR user_id IS NOT NULL) NOT VALID;

-- One row for each change, written by the transaction that makes it. Rows of one target are written under that target's
-- lock, so that `place` is the order of its changes, which the clock is not. Rows of different targets may commit in
-- another order than that of their places. `user_id` is whom the change is about, where it is about somebody.
CREATE TABLE audit (
    id          uuid PRIMARY KEY,
    place       bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    at          timestamptz NOT NULL,
    actor_kind  text NOT NULL CHECK (actor_kind IN ('admin', 'person', 'operator', 'system')),
    actor_id    uuid,
    session_id  uuid,
    request_id  text,
    action      text NOT NULL,
    target_kind text NOT NULL,
    target_id   text NOT NULL,
    user_id     uuid,
    before      jsonb,
    after       jsonb,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    CHECK ((actor_kind IN ('admin', 'person')) = (actor_id IS NOT NULL))
);

CREATE INDEX audit_target ON audit (target_id, place);
CREATE INDEX audit_person ON audit (user_id, place);
CREATE INDEX audit_actor ON audit (actor_id, place);

-- The chain: each seal is a hash over the one before, its own number and moment, and all of one row. Made some time
-- after that row, in whatever order the rows became visible; gapless.
CREATE TABLE audit_seals (
    seq       bigint PRIMARY KEY CHECK (seq > 0),
    audit_id  uuid NOT NULL UNIQUE REFERENCES audit,
    hash      bytea NOT NULL CHECK (length(hash) = 32),
    sealed_at timestamptz NOT NULL
);

CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_seals_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
    EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON audit, audit_seals TO wallet_app;
