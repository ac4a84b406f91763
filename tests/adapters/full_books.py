"""Tables as full as those of a service that has run for a while, so that PostgreSQL plans as it does there."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from tests.adapters.busy_book import Connection
from wallet_core.ids import WalletId

PEOPLE: Final = 20_000
BUSY_LINES: Final = 60_000
"""How many movements the busiest wallet has, as many in each direction."""
FIRST_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
BUSY: Final = WalletId(UUID(int=1))
QUIET: Final = WalletId(UUID(int=2))
RARE: Final = 1_999
"""One movement in so many is in EUR, and there is as rarely a deposit, a withdrawal and a refused transfer."""

_PEOPLE: Final = """
INSERT INTO users (id, name, email, phone, password_hash, created_at)
SELECT pg_temp.id(n), 'P' || n, 'p' || n || '@example.org', '+4420' || n, 'hash', $1
  FROM generate_series(1, $2::int) AS n;
"""
_WALLETS: Final = """
INSERT INTO wallets (id, user_id, name, currency, is_default, created_at)
SELECT id, id, 'Main', 'USD', true, created_at FROM users;
"""
_ACCOUNTS: Final = """
INSERT INTO accounts (id, wallet_id, user_id, currency, balance, version)
SELECT id, id, user_id, currency, 1000, 6 FROM wallets;
"""
_LIMITS: Final = """
INSERT INTO transfer_limits (user_id, kind, currency, daily_max, monthly_max)
SELECT id, kind, 'USD', 1000, 1000 FROM users, unnest(ARRAY['transfer', 'withdrawal']) AS kind;
"""
_VERIFIED: Final = "INSERT INTO verified_accounts (account_id, seq, balance) SELECT id, 5, 1000 FROM accounts;"
# Every other movement is the busiest wallet's, one way and the other in turn; the rest are between all the others.
_TRANSACTIONS: Final = """
INSERT INTO transactions (id, kind, status, user_id, idempotency_key, fingerprint, currency, amount,
                          source_account_id, source_wallet_id, source_balance_after, destination_account_id,
                          destination_wallet_id, destination_balance_after, reason, business_date, created_at,
                          completed_at)
SELECT pg_temp.id(n), kind, CASE WHEN failed THEN 'FAILED' ELSE 'COMPLETED' END, source, 'key-' || n, '\\x00',
       CASE n % $4 WHEN 5 THEN 'EUR' ELSE 'USD' END, 1 + n % 1000, source, source, 0, destination, destination, 0,
       CASE WHEN failed THEN 'insufficient_funds' END, $1, at, CASE WHEN NOT failed THEN at END
  FROM (SELECT n, $1::timestamptz + n * interval '1 second' AS at, n % $4 IN (0, 1) AS failed,
               CASE n % $4 WHEN 2 THEN 'deposit' WHEN 3 THEN 'deposit' WHEN 6 THEN 'withdraw' WHEN 7 THEN 'withdraw'
               ELSE 'transfer' END AS kind,
               pg_temp.id(CASE n % 4 WHEN 0 THEN 1 ELSE 2 + n * 7919 % ($2::int - 1) END) AS source,
               pg_temp.id(CASE n % 4 WHEN 2 THEN 1 ELSE 2 + (n * 104729 + 1) % ($2::int - 1) END) AS destination
          FROM generate_series(1::bigint, $3::int) AS n) AS movement
 WHERE source <> destination;
"""
_ENTRIES: Final = """
INSERT INTO entries (account_id, seq, transaction_id, amount, balance_after)
SELECT leg.account_id, row_number() OVER (PARTITION BY leg.account_id ORDER BY id, leg.amount), id, leg.amount, 0
  FROM transactions
 CROSS JOIN LATERAL (VALUES (source_account_id, -1), (destination_account_id, 1)) AS leg (account_id, amount)
 WHERE status = 'COMPLETED';
"""
_EVENTS: Final = """
INSERT INTO events (kind, transaction_id, created_at, relayed_at)
SELECT 'transfer.completed', id, created_at, CASE WHEN amount % 1000 <> 0 THEN created_at END FROM transactions;
"""
_SESSIONS: Final = """
INSERT INTO sessions (id, user_id, device, created_at, last_seen_at, expires_at, changed_at)
SELECT id, id, 'A telephone', created_at, created_at, created_at + interval '30 days',
       CASE WHEN email LIKE '%00@example.org' THEN created_at END
  FROM users;
"""
_REFRESH_TOKENS: Final = """
INSERT INTO refresh_tokens (hash, session_id, issued_at)
SELECT sha256(CAST(CAST(id AS text) AS bytea)), id, created_at FROM sessions;
"""
_CHALLENGES: Final = """
INSERT INTO challenges (id, user_id, purpose, secret_hash, created_at, expires_at)
SELECT id, id, 'email', sha256(CAST(CAST(id AS text) AS bytea)), created_at, created_at FROM users;
"""
_FACTORS: Final = """
INSERT INTO second_factors (id, user_id, secret, created_at) SELECT id, id, '\\x00', created_at FROM users;
"""
_RECOVERY_CODES: Final = """
INSERT INTO recovery_codes (factor_id, hash) SELECT id, sha256(CAST(CAST(id AS text) AS bytea)) FROM second_factors;
"""
_ATTEMPTS: Final = """
INSERT INTO failed_attempts (key, failures, counted_at, free_at)
SELECT sha256(CAST(CAST(id AS text) AS bytea)), 1, created_at, created_at FROM users;
"""
_MESSAGES: Final = """
INSERT INTO sent_messages (key, moments, sent_at)
SELECT sha256(CAST(CAST(id AS text) AS bytea)), ARRAY[created_at], created_at FROM users;
"""
_AUDIT: Final = """
INSERT INTO audit (id, at, actor_kind, actor_id, action, target_kind, target_id, user_id, reason)
SELECT gen_random_uuid(), created_at, 'admin', pg_temp.id(1 + row_number() OVER () % 20), 'wallet.frozen', 'wallet',
       id, id, 'Because'
  FROM users, generate_series(1, 2);
"""
_SEALS: Final = """
INSERT INTO audit_seals (seq, audit_id, hash, sealed_at)
SELECT place, id, sha256('x'), at FROM audit ORDER BY place LIMIT 39000;
"""
_NOTIFICATIONS: Final = """
INSERT INTO notifications (id, user_id, event_id, kind, data, created_at, read_at)
SELECT id, id, row_number() OVER (), 'transfer.received', '{}', created_at,
       CASE WHEN email LIKE '%0@example.org' THEN NULL ELSE created_at END
  FROM users;
"""
_PREFERENCES: Final = """
INSERT INTO notification_preferences (user_id, kind, channel, wanted)
SELECT id, 'wallet.frozen', 'mail', true FROM users;
"""
_DELIVERIES: Final = """
INSERT INTO deliveries (id, event_id, notification_id, channel, recipient, status, next_try_at, created_at, ended_at)
SELECT id, event_id, id, 'mail', 'p@example.org', status, created_at, created_at,
       CASE WHEN status <> 'pending' THEN created_at END
  FROM (SELECT *, CASE event_id % 100 WHEN 0 THEN 'pending' WHEN 1 THEN 'parked' ELSE 'delivered' END AS status
          FROM notifications) AS told;
"""


async def fill(connection: Connection) -> None:
    """People, wallets and accounts, and movements between them of which the busiest wallet has half. Takes seconds.

    Movement n has the id `UUID(int=n)` and happened n seconds after FIRST_AT.
    """
    await connection.execute(
        "CREATE FUNCTION pg_temp.id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE "
        "RETURN CAST(lpad(to_hex(n), 32, '0') AS uuid)"
    )
    await connection.execute(_PEOPLE, FIRST_AT, PEOPLE)
    for table in (_WALLETS, _ACCOUNTS, _LIMITS, _VERIFIED):
        await connection.execute(table)
    await connection.execute(_TRANSACTIONS, FIRST_AT, PEOPLE, 2 * BUSY_LINES, RARE)
    for table in (_ENTRIES, _EVENTS, _SESSIONS, _REFRESH_TOKENS, _CHALLENGES, _FACTORS, _RECOVERY_CODES, _ATTEMPTS):
        await connection.execute(table)
    for table in (_MESSAGES, _AUDIT, _SEALS, _NOTIFICATIONS, _PREFERENCES, _DELIVERIES):
        await connection.execute(table)
    await connection.execute("VACUUM (ANALYZE)")


def movement_at(number: int) -> datetime:
    """When that movement happened."""
    return FIRST_AT + timedelta(seconds=number)
