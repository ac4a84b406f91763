-- The rows of a batch as they travel: one array of each, in place of one array a column.

CREATE TYPE moved_account AS (
    id             uuid,
    balance        bigint,
    version        bigint,
    declines       bigint,
    declined_on    date,
    declined_today bigint
);
CREATE TYPE counted_limit AS (
    user_id    uuid,
    kind       text,
    currency   text,
    counted_in text,
    day        date,
    day_used   bigint,
    month_used bigint
);
CREATE TYPE kept_transaction AS (
    id                        uuid,
    kind                      text,
    status                    text,
    user_id                   uuid,
    idempotency_key           text,
    fingerprint               bytea,
    request_id                text,
    currency                  text,
    amount                    bigint,
    source_account_id         uuid,
    source_wallet_id          uuid,
    source_holder             text,
    source_balance_after      bigint,
    destination_account_id    uuid,
    destination_wallet_id     uuid,
    destination_holder        text,
    destination_balance_after bigint,
    note                      text,
    reference                 text,
    reason                    text,
    details                   jsonb,
    business_date             date
);
CREATE TYPE posted_entry AS (
    account_id     uuid,
    seq            bigint,
    transaction_id uuid,
    amount         bigint,
    balance_after  bigint
);
