-- Which addresses were shown to be their person's, and the challenges by which that is shown.
-- Who is there already could be reached so far and stays so: verified from the moment of this migration. A default is
-- kept once for all the old rows, where an UPDATE would lock everybody out while it writes each of them.

ALTER TABLE users
    ADD COLUMN email_verified_at timestamptz DEFAULT now(),
    ADD COLUMN phone_verified_at timestamptz DEFAULT now(),
    ADD COLUMN warned_at timestamptz;
ALTER TABLE users
    ALTER COLUMN email_verified_at DROP DEFAULT,
    ALTER COLUMN phone_verified_at DROP DEFAULT;

-- `secret_hash` is SHA-256 of a token, or a keyed hash of a code; `subject` the address that the secret was sent to.
CREATE TABLE challenges (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users,
    purpose     text NOT NULL CHECK (purpose IN ('password_reset', 'email', 'phone', 'second_factor')),
    secret_hash bytea NOT NULL,
    subject     text,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    attempts    integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    used_at     timestamptz
);

CREATE INDEX challenges_person ON challenges (user_id, purpose);
CREATE INDEX challenges_secret ON challenges (secret_hash);

GRANT SELECT, INSERT, UPDATE, DELETE ON challenges TO wallet_app;
