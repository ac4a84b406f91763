-- What a batch touches is locked and read in one round trip, so that its locks are held for two round trips less. What
-- comes back has types of its own: a column that is added to a table surprises nobody who is connected.

CREATE TYPE locked_account AS (
    id             uuid,
    wallet_id      uuid,
    user_id        uuid,
    holder         text,
    time_zone      text,
    currency       text,
    balance        bigint,
    held           bigint,
    version        bigint,
    declines       bigint,
    declined_on    date,
    declined_today bigint,
    status         text
);
CREATE TYPE locked_limit AS (
    user_id            uuid,
    kind               text,
    currency           text,
    daily_max          bigint,
    monthly_max        bigint,
    chosen_daily_max   bigint,
    chosen_monthly_max bigint,
    counted_in         text,
    day                date,
    day_used           bigint,
    month_used         bigint
);
CREATE TYPE settled_transaction AS (
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
    business_date             date,
    created_at                timestamptz,
    completed_at              timestamptz
);

-- VOLATILE, so that at READ COMMITTED each of its statements has a snapshot of its own, as if it came by itself.
CREATE FUNCTION lock_batch(
    wallet_ids uuid[], currencies text[],
    limit_user_ids uuid[], limit_kinds text[], limit_currencies text[],
    key_user_ids uuid[], keys text[],
    OUT accounts locked_account[], OUT limits locked_limit[], OUT settled settled_transaction[],
    OUT now_locked timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    -- In id order, so that two batches never wait for each other in a circle.
    SELECT coalesce(array_agg(CAST(ROW(t.*) AS locked_account)), '{}') INTO accounts
      FROM (
        SELECT a.id, a.wallet_id, a.user_id, u.name, u.time_zone, a.currency, a.balance, a.held, a.version,
               a.declines, a.declined_on, a.declined_today, a.status
          FROM unnest(wallet_ids, currencies) AS asked (wallet_id, currency)
          JOIN accounts a ON a.wallet_id = asked.wallet_id AND a.currency = asked.currency
          LEFT JOIN users u ON u.id = a.user_id
         ORDER BY a.id
           FOR NO KEY UPDATE OF a
      ) AS t;

    -- After the accounts and in key order, for the same reason.
    SELECT coalesce(array_agg(CAST(ROW(t.*) AS locked_limit)), '{}') INTO limits
      FROM (
        SELECT l.user_id, l.kind, l.currency, l.daily_max, l.monthly_max, l.chosen_daily_max, l.chosen_monthly_max,
               l.counted_in, l.day, l.day_used, l.month_used
          FROM unnest(limit_user_ids, limit_kinds, limit_currencies) AS asked (user_id, kind, currency)
          JOIN transfer_limits l
            ON l.user_id = asked.user_id AND l.kind = asked.kind AND l.currency = asked.currency
         ORDER BY l.user_id, l.kind, l.currency
           FOR NO KEY UPDATE OF l
      ) AS t;

    -- After the locks, so that it sees what the batch before has committed.
    SELECT coalesce(array_agg(CAST(ROW(t.*) AS settled_transaction)), '{}') INTO settled
      FROM (
        SELECT s.id, s.kind, s.status, s.user_id, s.idempotency_key, s.fingerprint, s.request_id, s.currency, s.amount,
               s.source_account_id, s.source_wallet_id, s.source_holder, s.source_balance_after,
               s.destination_account_id, s.destination_wallet_id, s.destination_holder, s.destination_balance_after,
               s.note, s.reference, s.reason, s.details, s.business_date, s.created_at, s.completed_at
          FROM unnest(key_user_ids, keys) AS asked (user_id, idempotency_key)
          JOIN transactions s ON s.user_id = asked.user_id AND s.idempotency_key = asked.idempotency_key
      ) AS t;

    -- When nothing is waited for any more.
    now_locked := clock_timestamp();
END $$;
