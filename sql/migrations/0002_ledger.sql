-- The books: transactions, their entries, the limits that movements count against, and the events they cause.
-- The tables that every movement writes carry no foreign keys: each would cost a look-up and a lock a row, and what
-- they would say is said by the one statement that writes them all and checked by `verify`.

CREATE TABLE transactions (
    id                        uuid PRIMARY KEY,
    kind                      text NOT NULL CHECK (kind IN ('deposit', 'withdraw', 'transfer')),
    status                    text NOT NULL CHECK (status IN ('PENDING', 'COMPLETED', 'FAILED', 'EXPIRED')),
    user_id                   uuid NOT NULL,
    idempotency_key           text,
    fingerprint               bytea,
    request_id                text,
    currency                  text NOT NULL,
    amount                    bigint NOT NULL CHECK (amount > 0),
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
    business_date             date NOT NULL,
    created_at                timestamptz NOT NULL,
    completed_at              timestamptz,
    CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL)),
    CHECK (source_account_id <> destination_account_id),
    CHECK (status <> 'COMPLETED' OR (source_account_id IS NOT NULL AND destination_account_id IS NOT NULL
        AND source_balance_after IS NOT NULL AND destination_balance_after IS NOT NULL AND completed_at IS NOT NULL)),
    CHECK ((status = 'FAILED') = (reason IS NOT NULL))
);

-- The row is the idempotency record: one transaction for each key of a person, for ever.
CREATE UNIQUE INDEX transactions_user_key ON transactions (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- History, newest first, as each side sees it. What failed is shown to the one who asked for it alone, and the system's
-- side has no readers.
CREATE INDEX transactions_source_history ON transactions (source_wallet_id, created_at DESC, id DESC)
    WHERE kind <> 'deposit';
CREATE INDEX transactions_destination_history ON transactions (destination_wallet_id, created_at DESC, id DESC)
    WHERE kind <> 'withdraw' AND (status = 'COMPLETED' OR kind = 'deposit');

-- The legs. `seq` runs from 1 without a gap, up to the account's version.
CREATE TABLE entries (
    account_id     uuid NOT NULL,
    seq            bigint NOT NULL,
    transaction_id uuid NOT NULL,
    amount         bigint NOT NULL CHECK (amount <> 0),
    balance_after  bigint NOT NULL,
    PRIMARY KEY (account_id, seq)
);

-- A person's limit for one kind of movement in one currency, with its running use up to the business date `day`.
-- `daily_max` and `monthly_max` are the operator's, the chosen ones the person's own; the lower one holds. The day ends
-- in the time zone `counted_in`, in which it began.
CREATE TABLE transfer_limits (
    user_id            uuid NOT NULL REFERENCES users,
    kind               text NOT NULL CHECK (kind IN ('transfer', 'withdrawal')),
    currency           text NOT NULL,
    daily_max          bigint NOT NULL CHECK (daily_max >= 0),
    monthly_max        bigint NOT NULL CHECK (monthly_max >= 0),
    chosen_daily_max   bigint CHECK (chosen_daily_max >= 0),
    chosen_monthly_max bigint CHECK (chosen_monthly_max >= 0),
    counted_in         text,
    day                date NOT NULL DEFAULT '0001-01-01',
    day_used           bigint NOT NULL DEFAULT 0 CHECK (day_used >= 0),
    month_used         bigint NOT NULL DEFAULT 0 CHECK (month_used >= day_used),
    PRIMARY KEY (user_id, kind, currency)
) WITH (fillfactor = 50);

-- The outbox: what happened, written by the statement that made it happen.
CREATE TABLE events (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL,
    transaction_id uuid NOT NULL,
    created_at     timestamptz NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER entries_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transactions_are_kept BEFORE DELETE OR TRUNCATE ON transactions
    EXECUTE FUNCTION refuse_change();

-- A transaction may still come to its end; what it moved, for whom and between whom never changes.
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'PENDING'
       OR (OLD.id, OLD.kind, OLD.user_id, OLD.currency, OLD.amount, OLD.created_at)
          IS DISTINCT FROM (NEW.id, NEW.kind, NEW.user_id, NEW.currency, NEW.amount, NEW.created_at)
       OR (OLD.idempotency_key, OLD.fingerprint, OLD.source_account_id, OLD.destination_account_id)
          IS DISTINCT FROM
          (NEW.idempotency_key, NEW.fingerprint, NEW.source_account_id, NEW.destination_account_id)
    THEN
        RAISE EXCEPTION 'transaction % is settled', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER transactions_settle_once BEFORE UPDATE ON transactions
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
