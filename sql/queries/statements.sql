-- name: page(wallet_ids, created_from, outgoing_kinds, incoming_kinds, statuses, currency, bound_currencies, bound_mins, bound_maxs, after_created_at, after_id, after_rank, read_max, line_limit)
-- A page of history: for each wallet the newest lines of either side, by an index in that order and no more than may be
-- read, then the newest of all that pass the filter. What a page costs depends neither on the length of the history nor
-- on how much of it passes the filter: a side that has been read as far as it may gives its last line whether it is
-- wanted or not, and nothing older than that can be told. `rank` puts the paying side of a movement between two wallets
-- of one person first. A row comparison, alone in bounding the page from above, lets the index start right there.
SELECT page.*
  FROM unnest(CAST(:wallet_ids AS uuid[])) AS asked (wallet_id)
 CROSS JOIN LATERAL (
    (SELECT *
       FROM (SELECT t.*, 'out' AS direction, 1 AS rank,
                    row_number() OVER (ORDER BY t.created_at DESC, t.id DESC) = :read_max AS is_last_read,
                    t.kind = ANY(CAST(:outgoing_kinds AS text[]))
                    AND t.status = ANY(CAST(:statuses AS text[]))
                    AND (CAST(:currency AS text) IS NULL OR t.currency = :currency)
                    AND (CAST(:bound_currencies AS text[]) IS NULL OR EXISTS (
                         SELECT FROM unnest(CAST(:bound_currencies AS text[]), CAST(:bound_mins AS bigint[]),
                                            CAST(:bound_maxs AS bigint[])) AS bound (currency, lowest, highest)
                          WHERE bound.currency = t.currency AND t.amount BETWEEN bound.lowest AND bound.highest))
                    AS is_wanted
               FROM transactions t
              WHERE t.source_wallet_id = asked.wallet_id
                AND t.kind <> 'deposit'
                AND cardinality(CAST(:outgoing_kinds AS text[])) > 0
                AND t.created_at >= :created_from
                AND (t.created_at, t.id) <= (CAST(:after_created_at AS timestamptz), CAST(:after_id AS uuid))
                AND (t.id <> :after_id OR 1 < CAST(:after_rank AS integer))
              ORDER BY t.created_at DESC, t.id DESC
              LIMIT CAST(:read_max AS bigint)) AS read
      WHERE read.is_wanted OR read.is_last_read
      LIMIT CAST(:line_limit AS integer))
    UNION ALL
    (SELECT *
       FROM (SELECT t.*, 'in' AS direction, 0 AS rank,
                    row_number() OVER (ORDER BY t.created_at DESC, t.id DESC) = :read_max AS is_last_read,
                    t.kind = ANY(CAST(:incoming_kinds AS text[]))
                    AND t.status = ANY(CAST(:statuses AS text[]))
                    AND (CAST(:currency AS text) IS NULL OR t.currency = :currency)
                    AND (CAST(:bound_currencies AS text[]) IS NULL OR EXISTS (
                         SELECT FROM unnest(CAST(:bound_currencies AS text[]), CAST(:bound_mins AS bigint[]),
                                            CAST(:bound_maxs AS bigint[])) AS bound (currency, lowest, highest)
                          WHERE bound.currency = t.currency AND t.amount BETWEEN bound.lowest AND bound.highest))
                    AS is_wanted
               FROM transactions t
              WHERE t.destination_wallet_id = asked.wallet_id
                AND t.kind <> 'withdraw' AND (t.status = 'COMPLETED' OR t.kind = 'deposit')
                AND cardinality(CAST(:incoming_kinds AS text[])) > 0
                AND t.created_at >= :created_from
                AND (t.created_at, t.id) <= (CAST(:after_created_at AS timestamptz), CAST(:after_id AS uuid))
                AND (t.id <> :after_id OR 0 < CAST(:after_rank AS integer))
              ORDER BY t.created_at DESC, t.id DESC
              LIMIT CAST(:read_max AS bigint)) AS read
      WHERE read.is_wanted OR read.is_last_read
      LIMIT CAST(:line_limit AS integer))
 ) AS page
 ORDER BY page.created_at DESC, page.id DESC, page.rank DESC
 LIMIT CAST(:line_limit AS integer);

-- name: line(transaction_id, user_id)
-- One transaction as a wallet of that person sees it, the paying side first.
SELECT t.*, side.direction
  FROM transactions t
 CROSS JOIN LATERAL (
      SELECT 'out' AS direction, 0 AS rank FROM wallets w
       WHERE w.id = t.source_wallet_id AND w.user_id = :user_id AND t.kind <> 'deposit'
       UNION ALL
      SELECT 'in', 1 FROM wallets w
       WHERE w.id = t.destination_wallet_id AND w.user_id = :user_id
         AND t.kind <> 'withdraw' AND (t.status = 'COMPLETED' OR t.kind = 'deposit')
 ) AS side
 WHERE t.id = :transaction_id
 ORDER BY side.rank
 LIMIT 1;
