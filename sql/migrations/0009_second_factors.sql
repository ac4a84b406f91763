-- Second factors: what a person's app and the service share, sealed, and codes for when the app is lost, hashed.

-- One for each person. It counts once `enabled_at` is set; until then the next set-up takes its place, under a new id.
-- `last_step` is the time step of the last code that was accepted: no code of it or of an earlier one is again.
CREATE TABLE second_factors (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL UNIQUE REFERENCES users,
    secret     bytea NOT NULL,
    last_step  bigint,
    enabled_at timestamptz,
    created_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE recovery_codes (
    factor_id uuid NOT NULL REFERENCES second_factors ON DELETE CASCADE,
    hash      bytea NOT NULL,
    used_at   timestamptz,
    PRIMARY KEY (factor_id, hash)
);

-- Whoever turns a second factor off takes its secret back: nothing of it is kept.
GRANT SELECT, INSERT, UPDATE, DELETE ON second_factors TO wallet_app;
GRANT SELECT, INSERT, UPDATE ON recovery_codes TO wallet_app;
