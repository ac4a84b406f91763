"""Telling people what happened keeps its promises in memory and in PostgreSQL."""

import asyncpg
import pytest

from adapters.notifications.templates import JinjaStationery
from adapters.postgres.database import Database
from adapters.postgres.deliveries import PostgresTurns
from tests.contracts.postgres_books import PostgresBooks
from wallet_core.notifications.letters import password_reset
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts import (
    DeliveryQueueContract,
    InboxContract,
    OutboxContract,
    PreferenceRepositoryContract,
    StationeryContract,
    TurnsContract,
)
from wallet_core.testing.notifications import PlainStationery
from wallet_core.testing.outbox import InMemoryTurns


class InMemory:
    @pytest.fixture
    def books(self) -> InMemoryBooks:
        return InMemoryBooks()


class InPostgres:
    @pytest.fixture
    async def books(self, pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresBooks:
        books = PostgresBooks(pool, SettableClock())
        await books.open()
        return books


class TestInMemoryOutbox(InMemory, OutboxContract):
    pass


class TestPostgresOutbox(InPostgres, OutboxContract):
    pass


class TestInMemoryDeliveryQueue(InMemory, DeliveryQueueContract):
    pass


class TestPostgresDeliveryQueue(InPostgres, DeliveryQueueContract):
    pass


class TestInMemoryInbox(InMemory, InboxContract):
    pass


class TestPostgresInbox(InPostgres, InboxContract):
    pass


class TestInMemoryPreferences(InMemory, PreferenceRepositoryContract):
    pass


class TestPostgresPreferences(InPostgres, PreferenceRepositoryContract):
    pass


class TestInMemoryTurns(TurnsContract):
    @pytest.fixture
    def turns(self) -> InMemoryTurns:
        return InMemoryTurns()


class TestPostgresTurns(TurnsContract):
    @pytest.fixture
    def turns(self, pool: "asyncpg.Pool[asyncpg.Record]") -> PostgresTurns:
        return PostgresTurns(Database(pool))


class TestPlainStationery(StationeryContract):
    @pytest.fixture
    def stationery(self) -> PlainStationery:
        return PlainStationery()


class TestJinjaStationery(StationeryContract):
    @pytest.fixture
    def stationery(self) -> JinjaStationery:
        return JinjaStationery()

    def test_the_way_to_a_new_password_is_a_link(self, stationery: JinjaStationery) -> None:
        mail = stationery.mail(password_reset("https://wallet.example/reset#token=x", 15), to="alice@example.org")

        assert mail.html is not None
        assert '<p><a href="https://wallet.example/reset#token=x"' in mail.html
