-- The baseline: one transfer as a careful author writes it in plpgsql, one call and one transaction for each.
--
-- It keeps what the service keeps, in the same tables: accounts locked in id order, then the limit; a clock read after
-- the locks; the rules; balances, two entries, the limit's day and month, the transaction with its unique key and its
-- fingerprint, and the event. A retry gets the first outcome, a refusal is recorded.
--
-- What is done once per call is done in as few statements as there are tables: each has its plan cached, and the happy
-- path looks nothing up that the locks did not bring.

-- What a key was settled with before; a different request under the same key is told so.
CREATE FUNCTION bench_settled(sender uuid, key text, asked bytea, OUT made uuid, OUT outcome text)
LANGUAGE sql STABLE AS $$
    SELECT id, CASE WHEN fingerprint = asked THEN status ELSE 'idempotency_key_reused' END
      FROM transactions
     WHERE user_id = sender AND idempotency_key = key;
$$;

CREATE FUNCTION bench_transfer(
    sender uuid, from_wallet uuid, to_wallet uuid, moving bigint, moving_currency text, key text,
    OUT made uuid, OUT outcome text)
LANGUAGE plpgsql AS $$
DECLARE
    source record;
    destination record;
    account record;
    allowed record;
    asked bytea := uuid_send(CAST(md5(from_wallet || to_wallet::text || moving || moving_currency) AS uuid));
    now_locked timestamptz;
    today date;
    used_today bigint;
    used_this_month bigint;
    broken text;
BEGIN
    made := uuidv7();
    FOR account IN
        SELECT a.id, a.wallet_id, a.user_id, u.name AS holder, a.balance, a.held, a.version, a.status
          FROM accounts a
          JOIN users u ON u.id = a.user_id
         WHERE a.wallet_id IN (from_wallet, to_wallet) AND a.currency = moving_currency
         ORDER BY a.id
           FOR NO KEY UPDATE OF a
    LOOP
        IF account.wallet_id = from_wallet THEN source := account; ELSE destination := account; END IF;
    END LOOP;

    SELECT least(l.daily_max, l.chosen_daily_max) AS daily, least(l.monthly_max, l.chosen_monthly_max) AS monthly,
           l.day, l.day_used, l.month_used, l.counted_in, u.time_zone
      INTO allowed
      FROM transfer_limits l
      JOIN users u ON u.id = l.user_id
     WHERE l.user_id = sender AND l.kind = 'transfer' AND l.currency = moving_currency
       FOR NO KEY UPDATE OF l;

    now_locked := clock_timestamp();
    today := CAST(now_locked AT TIME ZONE coalesce(allowed.counted_in, allowed.time_zone) AS date);
    IF today <= allowed.day THEN
        today := allowed.day;
        used_today := allowed.day_used;
        used_this_month := allowed.month_used;
    ELSE
        used_today := 0;
        used_this_month := CASE WHEN date_trunc('month', CAST(today AS timestamp))
                                     = date_trunc('month', CAST(allowed.day AS timestamp))
                                THEN allowed.month_used ELSE 0 END;
    END IF;

    IF source IS NULL OR source.user_id <> sender OR from_wallet = to_wallet THEN
        made := NULL;
        outcome := 'refused';
        RETURN;
    END IF;
    broken := CASE
        WHEN source.status <> 'active' THEN 'wallet_' || source.status
        WHEN destination IS NULL OR destination.status <> 'active' THEN 'recipient_unavailable'
        WHEN source.balance - source.held < moving THEN 'insufficient_funds'
        WHEN allowed.daily IS NULL OR used_today + moving > allowed.daily
             OR used_this_month + moving > allowed.monthly THEN 'limit_exceeded'
        WHEN destination.balance + moving > 1000000000000000 THEN 'balance_too_large'
    END;
    IF broken IS NOT NULL THEN
        SELECT * INTO made, outcome FROM bench_settled(sender, key, asked);
        IF made IS NULL THEN
            made := uuidv7();
            outcome := 'FAILED';
            INSERT INTO transactions
                   (id, kind, status, user_id, idempotency_key, fingerprint, currency, amount,
                    source_account_id, source_wallet_id, source_holder,
                    destination_account_id, destination_wallet_id, destination_holder, reason, business_date, created_at)
            VALUES (made, 'transfer', outcome, sender, key, asked, moving_currency, moving,
                    source.id, from_wallet, source.holder,
                    destination.id, destination.wallet_id, destination.holder, broken, today, now_locked);
            UPDATE accounts SET declines = declines + 1 WHERE id = source.id;
            INSERT INTO events (kind, transaction_id, created_at) VALUES ('transfer.failed', made, now_locked);
        END IF;
        RETURN;
    END IF;

    INSERT INTO transactions
           (id, kind, status, user_id, idempotency_key, fingerprint, currency, amount,
            source_account_id, source_wallet_id, source_holder, source_balance_after,
            destination_account_id, destination_wallet_id, destination_holder, destination_balance_after,
            business_date, created_at, completed_at)
    VALUES (made, 'transfer', 'COMPLETED', sender, key, asked, moving_currency, moving,
            source.id, from_wallet, source.holder, source.balance - moving,
            destination.id, to_wallet, destination.holder, destination.balance + moving,
            today, now_locked, now_locked)
    ON CONFLICT (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO made, outcome FROM bench_settled(sender, key, asked);
        RETURN;
    END IF;

    UPDATE accounts
       SET balance = balance + CASE WHEN id = source.id THEN -moving ELSE moving END, version = version + 1
     WHERE id IN (source.id, destination.id);
    UPDATE transfer_limits
       SET counted_in = CASE WHEN today > day THEN allowed.time_zone ELSE counted_in END, day = today,
           day_used = used_today + moving, month_used = used_this_month + moving
     WHERE user_id = sender AND kind = 'transfer' AND currency = moving_currency;
    INSERT INTO entries (account_id, seq, transaction_id, amount, balance_after)
    VALUES (source.id, source.version + 1, made, -moving, source.balance - moving),
           (destination.id, destination.version + 1, made, moving, destination.balance + moving);
    INSERT INTO events (kind, transaction_id, created_at) VALUES ('transfer.completed', made, now_locked);
    outcome := 'COMPLETED';
END $$;
