-- People, their wallets, and the accounts that hold their money.
-- Ids are made by the application (UUIDv7), no extension is used, and nothing here is newer than PostgreSQL 15.

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    email         text,
    phone         text,
    password_hash text NOT NULL,
    role          text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'deactivated')),
    time_zone     text NOT NULL DEFAULT 'UTC',
    created_at    timestamptz NOT NULL,
    CHECK (email IS NOT NULL OR phone IS NOT NULL)
);

CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE UNIQUE INDEX users_phone_key ON users (phone);

-- A wallet without a user is the system's: the other side of every movement from or to the outside.
CREATE TABLE wallets (
    id         uuid PRIMARY KEY,
    user_id    uuid REFERENCES users,
    name       text NOT NULL,
    currency   text NOT NULL,
    status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'frozen')),
    is_default boolean NOT NULL DEFAULT false,
    version    integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX wallets_user_name_key ON wallets (user_id, lower(name));
CREATE UNIQUE INDEX wallets_user_default_key ON wallets (user_id) WHERE is_default;

-- One balance in one currency. `version` counts the account's entries, `declines` the recorded refusals, and
-- `declined_today` all refusals of the UTC day `declined_on`, of which only so many are recorded. The status
-- lands here, so that the row lock that orders postings orders a freeze with them.
-- The fill factor leaves room beside each row for its next versions: no index holds a column that changes.
CREATE TABLE accounts (
    id             uuid PRIMARY KEY,
    wallet_id      uuid NOT NULL REFERENCES wallets,
    user_id        uuid REFERENCES users,
    currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    balance        bigint NOT NULL DEFAULT 0,
    held           bigint NOT NULL DEFAULT 0,
    version        bigint NOT NULL DEFAULT 0,
    declines       bigint NOT NULL DEFAULT 0,
    declined_on    date NOT NULL DEFAULT '0001-01-01',
    declined_today bigint NOT NULL DEFAULT 0,
    status         text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'frozen', 'deactivated')),
    UNIQUE (wallet_id, currency),
    CONSTRAINT nobody_is_overdrawn CHECK (user_id IS NULL OR (0 <= held AND held <= balance))
) WITH (fillfactor = 50);
