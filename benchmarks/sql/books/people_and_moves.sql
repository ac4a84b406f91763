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
--
-- This file makes the people, and `bench_moves`: one row for each movement, from which the others make the books.

CREATE FUNCTION pg_temp.named(family text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN CAST('00000000-0000-7000-' || family || '-' || lpad(CAST(number AS text), 12, '0') AS uuid);

CREATE PROCEDURE pg_temp.make_people_and_moves(
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
    -- Number -1 is where deposits come from.
    CREATE UNLOGGED TABLE bench_people AS
    SELECT n, pg_temp.named('8001', n) AS user_id, pg_temp.named('8002', n) AS wallet_id,
           pg_temp.named('8003', n) AS account_id, 'Person ' || n AS holder,
           CASE WHEN n = veteran THEN 0 WHEN n < hot THEN hot_rings ELSE 0 END AS rings_hot,
           CASE WHEN n = veteran THEN veteran_rings
                ELSE veteran_rings / people + CASE WHEN n < veteran_rings % people THEN 1 ELSE 0 END
           END AS rings_veteran,
           CASE WHEN n = veteran THEN 0 ELSE wide_rings END AS rings_wide
      FROM generate_series(0, veteran) AS n
     UNION ALL
    SELECT -1, NULL, gateway, pg_temp.named('8004', 0), NULL, 0, 0, 0;

    INSERT INTO users (id, name, email, password_hash, created_at)
    SELECT user_id, holder, 'person' || n || '@example.com', 'no password', ended - movements * pause
      FROM bench_people WHERE n >= 0;

    -- Everybody has logged in once, just now.
    INSERT INTO sessions (id, user_id, device, created_at, last_seen_at, expires_at, proved_at)
    SELECT pg_temp.named('8007', n), user_id, 'bench', clock_timestamp(), clock_timestamp(),
           clock_timestamp() + interval '1 day', clock_timestamp()
      FROM bench_people WHERE n >= 0;

    INSERT INTO wallets (id, user_id, name, currency, is_default, created_at)
    SELECT wallet_id, user_id, CASE WHEN n < 0 THEN 'gateway:sandbox' ELSE 'USD wallet' END, 'USD', n >= 0,
           ended - movements * pause
      FROM bench_people;

    INSERT INTO accounts (id, wallet_id, user_id, currency, balance, version)
    SELECT account_id, wallet_id, user_id, 'USD',
           CASE WHEN n < 0 THEN -deposit * (people + 1) ELSE deposit END,
           CASE WHEN n < 0 THEN people + 1 ELSE 1 + 2 * (rings_hot + rings_veteran + rings_wide) END
      FROM bench_people;

    INSERT INTO transfer_limits (user_id, kind, currency, daily_max, monthly_max)
    SELECT user_id, kind, 'USD', cap, cap
      FROM bench_people, (VALUES ('transfer'), ('withdrawal')) AS kinds (kind)
     WHERE n >= 0;

    -- Who pays whom, the how manieth entry of each that is, and how far it takes them from what they held at first.
    CREATE UNLOGGED TABLE bench_moves AS
    SELECT n, pg_temp.named('8005', n) AS id, kind, amount, source, destination, source_seq, destination_seq,
           source_balance, destination_balance, ended - (movements - n) * pause AS moment
      FROM (
        SELECT n, 'deposit' AS kind, deposit AS amount, CAST(-1 AS bigint) AS source, n AS destination,
               n + 1 AS source_seq, CAST(1 AS bigint) AS destination_seq,
               -deposit * (n + 1) AS source_balance, deposit AS destination_balance
          FROM generate_series(0, veteran) AS n
         UNION ALL
        SELECT people + 1 + ring * hot + place, 'transfer', 1, place, (place + 1) % hot,
               2 + 2 * ring + CASE place WHEN 0 THEN 0 ELSE 1 END,
               2 + 2 * ring + CASE place WHEN hot - 1 THEN 1 ELSE 0 END,
               deposit - CASE place WHEN 0 THEN 1 ELSE 0 END,
               deposit + CASE place WHEN hot - 1 THEN 0 ELSE 1 END
          FROM generate_series(0, hot_rings - 1) AS ring, generate_series(0, hot - 1) AS place
         UNION ALL
        SELECT people + 1 + hot_rings * hot + ring * 2 + place, 'transfer', 1,
               CASE place WHEN 0 THEN other ELSE veteran END,
               CASE place WHEN 0 THEN veteran ELSE other END,
               CASE place WHEN 0 THEN others_seq ELSE 3 + 2 * ring END,
               CASE place WHEN 0 THEN 2 + 2 * ring ELSE others_seq + 1 END,
               deposit - CASE place WHEN 0 THEN 1 ELSE 0 END,
               deposit + CASE place WHEN 0 THEN 1 ELSE 0 END
          FROM generate_series(0, veteran_rings - 1) AS ring
         CROSS JOIN LATERAL (SELECT ring % people,
                                    2 + 2 * (CASE WHEN ring % people < hot THEN hot_rings ELSE 0 END + ring / people))
               AS met (other, others_seq)
         CROSS JOIN generate_series(0, 1) AS place
         UNION ALL
        SELECT people + 1 + hot_rings * hot + veteran_rings * 2 + ring * people + a.n, 'transfer', 1, a.n, b.n,
               2 + 2 * (a.rings_hot + a.rings_veteran + ring) + CASE a.n WHEN 0 THEN 0 ELSE 1 END,
               2 + 2 * (b.rings_hot + b.rings_veteran + ring) + CASE b.n WHEN 0 THEN 1 ELSE 0 END,
               deposit - CASE a.n WHEN 0 THEN 1 ELSE 0 END,
               deposit + CASE b.n WHEN 0 THEN 0 ELSE 1 END
          FROM generate_series(0, wide_rings - 1) AS ring
         CROSS JOIN generate_series(0, people - 1) AS place
          JOIN bench_people a ON a.n = place
          JOIN bench_people b ON b.n = (place + 1) % people
      ) AS moves;
END $$;
