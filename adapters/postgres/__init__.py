"""PostgreSQL behind the ports of the core: raw SQL through asyncpg."""
