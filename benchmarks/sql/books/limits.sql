-- What everybody's limit was used for on the last day on which they sent something, and in that month.
WITH days AS MATERIALIZED (
    SELECT source, CAST(moment AT TIME ZONE 'UTC' AS date) AS day, sum(amount) AS amount
      FROM bench_moves WHERE kind = 'transfer' GROUP BY 1, 2
), latest AS (
    SELECT source, max(day) AS day FROM days GROUP BY 1
)
UPDATE transfer_limits l
   SET counted_in = 'UTC', day = used.day, day_used = used.day_used, month_used = used.month_used
  FROM (SELECT p.user_id, latest.day, sum(days.amount) FILTER (WHERE days.day = latest.day) AS day_used,
               sum(days.amount) FILTER (WHERE date_trunc('month', CAST(days.day AS timestamp))
                                              = date_trunc('month', CAST(latest.day AS timestamp))) AS month_used
          FROM latest
          JOIN days ON days.source = latest.source
          JOIN bench_people p ON p.n = latest.source
         GROUP BY 1, 2) AS used
 WHERE l.user_id = used.user_id AND l.kind = 'transfer';

DROP TABLE bench_moves, bench_people;
