-- What the service may do. Its login is made a member of wallet_app; the owner of the tables runs migrations alone.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wallet_app') THEN
        CREATE ROLE wallet_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this server was migrated at the same moment
END $$;

GRANT USAGE ON SCHEMA public TO wallet_app;
GRANT SELECT, INSERT, UPDATE ON users, wallets, accounts, transfer_limits TO wallet_app;
GRANT SELECT, INSERT ON transactions, entries, events TO wallet_app;
GRANT SELECT ON schema_migrations TO wallet_app;
