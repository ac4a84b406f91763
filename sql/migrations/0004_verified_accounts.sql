-- How far an account's entries were verified, and the balance they led to: where the next incremental run goes on.

CREATE TABLE verified_accounts (
    account_id uuid PRIMARY KEY,
    seq        bigint NOT NULL,
    balance    bigint NOT NULL
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE ON verified_accounts TO wallet_app;
