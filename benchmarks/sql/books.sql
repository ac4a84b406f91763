-- Books to measure on, made in bulk: they keep every invariant, and look as if the service had written them.
--
-- People are numbered from 0; the last one, "the veteran", has the account with the long history. Everybody gets one
-- deposit. After that money goes round in rings: the first member pays the second, and so on, and the last one pays the
-- first. So each ring gives each member two entries, and everybody holds again what they held before: what an entry says
-- follows from its place, and nothing has to be added up.
--
--   hot rings       the first ten people
--   veteran rings   the veteran and one other person, in turn
--   wide rings      everybody but the veteran

CREATE FUNCTION pg_temp.named(family text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN CAST('00000000-0000-7000-' || family || '-' || lpad(CAST(number AS text), 12, '0') AS uuid);

CREATE PROCEDURE pg_temp.make_books(
    gateway uuid, people bigint, hot bigint, hot_rings bigint, veteran_rings bigint, wide_rings bigint,
    deposit bigint, cap bigint)
LANGUAGE plpgsql AS $$
DECLARE
    veteran bigint := people;
    movements bigint := people + 1 + hot_rings * hot + veteran_rings * 2 + wide_rings * people;
    -- The last one happened yesterday, so that today's limits are unused.
    ended timestamptz := date_trunc('day', clock_timestamp(), 'UTC') - interval '12 hours';
    pause interval := interval '20 seconds';
BEGIN
    INSERT INTO users (id, name, email, password_hash, created_at)
    SELECT pg_temp.named('8001', n), 'Person ' || n, 'person' || n || '@example.com', 'no password', ended - movements * pause
      FROM generate_series(0, veteran) AS n;

    -- Everybody has logged in once, just now.
    INSERT INTO sessions (id, user_id, device, created_at, last_seen_at, expires_at, proved_at)
    SELECT pg_temp.named('8007', n), pg_temp.named('8001', n), 'bench', clock_timestamp(), clock_timestamp(),
           clock_timestamp() + interval '1 day', clock_timestamp()
      FROM generate_series(0, veteran) AS n;

    INSERT INTO wallets (id, user_id, name, currency, is_default, created_at)
    SELECT pg_temp.named('8002', n), pg_temp.named('8001', n), 'USD wallet', 'USD', true, ended - movements * pause
      FROM generate_series(0, veteran) AS n;
    INSERT INTO wallets (id, user_id, name, currency, created_at)
    VALUES (gateway, NULL, 'gateway:sandbox', 'USD', ended - movements * pause);

    INSERT INTO accounts (id, wallet_id, user_id, currency, balance, version)
    SELECT pg_temp.named('8003', n), pg_temp.named('8002', n), pg_temp.named('8001', n), 'USD', deposit,
           1 + 2 * CASE WHEN n = veteran THEN veteran_rings
                        ELSE CASE WHEN n < hot THEN hot_rings ELSE 0 END
                             + veteran_rings / people + CASE WHEN n < veteran_rings % people THEN 1 ELSE 0 END
                             + wide_rings END
      FROM generate_series(0, veteran) AS n;
    INSERT INTO accounts (id, wallet_id, user_id, currency, balance, version)
    VALUES (pg_temp.named('8004', 0), gateway, NULL, 'USD', -deposit * (people + 1), people + 1);

    -- Who paid whom, the how manieth entry of each that was, and how far it took them from what they held at first.
    CREATE TEMPORARY TABLE moves ON COMMIT DROP AS
    SELECT people + 1 + ring * hot + place AS n,
           place AS source, (place + 1) % hot AS destination,
           2 + 2 * ring + CASE place WHEN 0 THEN 0 ELSE 1 END AS source_seq,
           2 + 2 * ring + CASE place WHEN hot - 1 THEN 1 ELSE 0 END AS destination_seq,
           CASE place WHEN 0 THEN -1 ELSE 0 END AS source_change,
           CASE place WHEN hot - 1 THEN 0 ELSE 1 END AS destination_change
      FROM generate_series(0, hot_rings - 1) AS ring, generate_series(0, hot - 1) AS place
     UNION ALL
    SELECT people + 1 + hot_rings * hot + ring * 2 + place,
           CASE place WHEN 0 THEN other ELSE veteran END, CASE place WHEN 0 THEN veteran ELSE other END,
           CASE place WHEN 0 THEN others_seq ELSE 3 + 2 * ring END,
           CASE place WHEN 0 THEN 2 + 2 * ring ELSE others_seq + 1 END,
           CASE place WHEN 0 THEN -1 ELSE 0 END,
           CASE place WHEN 0 THEN 1 ELSE 0 END
      FROM generate_series(0, veteran_rings - 1) AS ring
     CROSS JOIN LATERAL (SELECT ring % people AS other,
                                2 + 2 * (CASE WHEN ring % people < hot THEN hot_rings ELSE 0 END + ring / people)
                                AS others_seq) AS met
     CROSS JOIN generate_series(0, 1) AS place
     UNION ALL
    SELECT people + 1 + hot_rings * hot + veteran_rings * 2 + ring * people + place,
           place, (place + 1) % people,
           before_source + CASE place WHEN 0 THEN 0 ELSE 1 END,
           before_destination + CASE place WHEN people - 1 THEN 1 ELSE 0 END,
           CASE place WHEN 0 THEN -1 ELSE 0 END,
           CASE place WHEN people - 1 THEN 0 ELSE 1 END
      FROM generate_series(0, wide_rings - 1) AS ring
     CROSS JOIN generate_series(0, people - 1) AS place
     CROSS JOIN LATERAL (SELECT a.version + 1 - 2 * (wide_rings - ring), b.version + 1 - 2 * (wide_rings - ring)
                           FROM (SELECT) AS always
                           JOIN accounts a ON a.id = pg_temp.named('8003', place)
                           JOIN accounts b ON b.id = pg_temp.named('8003', (place + 1) % people))
           AS been (before_source, before_destination);

    INSERT INTO transactions
           (id, kind, status, user_id, currency, amount, source_account_id, source_wallet_id, source_balance_after,
            destination_account_id, destination_wallet_id, destination_holder, destination_balance_after,
            business_date, created_at, completed_at)
    SELECT pg_temp.named('8005', n), 'deposit', 'COMPLETED', pg_temp.named('8001', n), 'USD', deposit,
           pg_temp.named('8004', 0), gateway, -deposit * (n + 1),
           pg_temp.named('8003', n), pg_temp.named('8002', n), 'Person ' || n, deposit,
           CAST(moment AT TIME ZONE 'UTC' AS date), moment, moment
      FROM generate_series(0, veteran) AS n
     CROSS JOIN LATERAL (SELECT ended - (movements - n) * pause) AS placed (moment);

    INSERT INTO entries (account_id, seq, transaction_id, amount, balance_after)
    SELECT leg.account_id, leg.seq, pg_temp.named('8005', n), leg.amount, leg.balance_after
      FROM generate_series(0, veteran) AS n
     CROSS JOIN LATERAL (VALUES (pg_temp.named('8004', 0), n + 1, -deposit, -deposit * (n + 1)),
                                (pg_temp.named('8003', n), 1, deposit, deposit))
           AS leg (account_id, seq, amount, balance_after);

    INSERT INTO transactions
           (id, kind, status, user_id, idempotency_key, fingerprint, currency, amount,
            source_account_id, source_wallet_id, source_holder, source_balance_after,
            destination_account_id, destination_wallet_id, destination_holder, destination_balance_after,
            business_date, created_at, completed_at)
    SELECT pg_temp.named('8005', n), 'transfer', 'COMPLETED', pg_temp.named('8001', source),
           'before-' || lpad(to_hex(n), 25, '0'), uuid_send(pg_temp.named('8006', n)), 'USD', 1,
           pg_temp.named('8003', source), pg_temp.named('8002', source), 'Person ' || source, deposit + source_change,
           pg_temp.named('8003', destination), pg_temp.named('8002', destination), 'Person ' || destination,
           deposit + destination_change,
           CAST(moment AT TIME ZONE 'UTC' AS date), moment, moment
      FROM moves
     CROSS JOIN LATERAL (SELECT ended - (movements - n) * pause) AS placed (moment);

    INSERT INTO entries (account_id, seq, transaction_id, amount, balance_after)
    SELECT leg.account_id, leg.seq, pg_temp.named('8005', n), leg.amount, leg.balance_after
      FROM moves
     CROSS JOIN LATERAL (VALUES (pg_temp.named('8003', source), source_seq, -1, deposit + source_change),
                                (pg_temp.named('8003', destination), destination_seq, 1, deposit + destination_change))
           AS leg (account_id, seq, amount, balance_after);

    INSERT INTO events (kind, transaction_id, created_at)
    SELECT kind || '.completed', id, created_at FROM transactions ORDER BY id;

    INSERT INTO transfer_limits (user_id, kind, currency, daily_max, monthly_max, counted_in, day, day_used, month_used)
    SELECT pg_temp.named('8001', n), kind, 'USD', cap, cap, CASE WHEN last.day IS NOT NULL THEN 'UTC' END,
           coalesce(last.day, DATE '0001-01-01'), coalesce(last.day_used, 0), coalesce(last.month_used, 0)
      FROM generate_series(0, veteran) AS n
     CROSS JOIN (VALUES ('transfer'), ('withdrawal')) AS kinds (kind)
      LEFT JOIN (SELECT user_id, max(latest) AS day,
                        sum(amount) FILTER (WHERE business_date = latest) AS day_used,
                        sum(amount) FILTER (WHERE date_trunc('month', CAST(business_date AS timestamp))
                                                  = date_trunc('month', CAST(latest AS timestamp))) AS month_used
                   FROM (SELECT user_id, business_date, amount, max(business_date) OVER (PARTITION BY user_id) AS latest
                           FROM (SELECT user_id, business_date, sum(amount) AS amount
                                   FROM transactions WHERE kind = 'transfer' GROUP BY 1, 2) AS days) AS dated
                  GROUP BY user_id) AS last
        ON kinds.kind = 'transfer' AND last.user_id = pg_temp.named('8001', n);
END $$;
