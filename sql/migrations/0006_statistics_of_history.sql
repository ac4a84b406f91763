-- A page of history is planned for a wallet as long as the longest: one in fifty transactions, or what the busiest wallet
-- has of them where that is less. For a wallet of average length, which is short, it looks as cheap to read and sort all
-- of its lines as to read a page of them by index, and then that is done with the longest too.
ALTER TABLE transactions
    ALTER COLUMN source_wallet_id SET (n_distinct = 50),
    ALTER COLUMN destination_wallet_id SET (n_distinct = 50);

ANALYZE transactions (source_wallet_id, destination_wallet_id);
