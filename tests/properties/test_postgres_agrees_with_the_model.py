"""Whatever is asked in whatever batches, PostgreSQL answers as the books in memory do."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.postgres_books import PostgresBooks
from wallet_core.ids import AccountId, UserId, WalletId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.ledger.outcomes import Declined, Outcome, Side, Transaction
from wallet_core.ledger.statements import StatementQuery
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit, a_user, a_wallet, an_account, new_id
from wallet_core.testing.clock import NOON, SettableClock
from wallet_core.testing.contracts.books import owner
from wallet_core.testing.ids import SequentialIds
from wallet_core.testing.strategies import (
    Wish,
    account_statuses,
    caps,
    chosen_caps,
    jumps,
    time_zones,
    wishes,
)

_PEOPLE = 4


@dataclass(frozen=True)
class Standing:
    """An operator freezes, deactivates or activates somebody's wallet."""

    number: int
    status: AccountStatus


@dataclass(frozen=True)
class Choice:
    """Somebody lowers a limit."""

    number: int
    kind: LimitKind
    chosen: ChosenCaps


@dataclass(frozen=True)
class Move:
    """Somebody moves to another time zone."""

    number: int
    time_zone: str


Step: TypeAlias = list[Wish] | timedelta | Standing | Choice | Move

_NUMBERS = st.integers(0, _PEOPLE - 1)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.lists(wishes(highest=400), min_size=1, max_size=8),
    st.lists(wishes(highest=400), min_size=1, max_size=8),
    jumps(),
    st.builds(Standing, _NUMBERS, account_statuses()),
    st.builds(Choice, _NUMBERS, st.sampled_from(LimitKind), chosen_caps()),
    st.builds(Move, _NUMBERS, time_zones()),
)


@dataclass(frozen=True)
class Somebody:
    """A person to be: where they are and what they are granted."""

    time_zone: str
    granted: Caps


class Both:
    """The model and the database side by side; what is done to one is done to the other."""

    def __init__(self, model: InMemoryBooks, real: PostgresBooks, clock: SettableClock) -> None:
        self._model = model
        self._real = real
        self._clock = clock

    async def play(self, people: Sequence[Somebody], steps: Sequence[Step]) -> None:
        accounts = [await self._open(person) for person in people]
        for step in steps:
            match step:
                case list():
                    await self._post(accounts, step)
                case timedelta():
                    self._clock.advance(step)
                case Standing():
                    for books in (self._model, self._real):
                        await books.set_status(accounts[step.number].wallet_id, step.status)
                case Choice():
                    await self._choose(owner(accounts[step.number]), step)
                case Move():
                    await self._move(owner(accounts[step.number]), step.time_zone)
        await self._compare(accounts)

    async def _open(self, person: Somebody) -> Account:
        user = a_user(time_zone=person.time_zone, created_at=self._clock())
        wallet = a_wallet(id=WalletId(new_id()), user_id=user.id, created_at=self._clock())
        account = an_account(id=AccountId(new_id()), wallet_id=wallet.id, user_id=user.id)
        granted = dict.fromkeys(LimitKind, person.granted)
        deposit = a_deposit(account, amount=1_000)
        for books in (self._model, self._real):
            assert await books.users.add(user, "hash") is None
            await books.wallets.open(wallet, account, granted, wallets_max=1)
            await books.ledger.post([deposit])
        return account

    async def _post(self, accounts: Sequence[Account], asked: Sequence[Wish]) -> None:
        commands = [wish.of(accounts) for wish in asked]

        expected, found = [await books.ledger.post(commands) for books in (self._model, self._real)]

        assert [_seen(outcome) for outcome in found] == [_seen(outcome) for outcome in expected]
        assert [outcome.replayed for outcome in found] == [outcome.replayed for outcome in expected]
        assert [outcome.accounts for outcome in found if isinstance(outcome, Declined)] == [
            outcome.accounts for outcome in expected if isinstance(outcome, Declined)
        ]

    async def _choose(self, user_id: UserId, choice: Choice) -> None:
        granted = dict.fromkeys(LimitKind, Caps(daily=0, monthly=0))
        expected, found = [
            await books.limits.choose(user_id, "USD", {choice.kind: choice.chosen}, granted=granted)
            for books in (self._model, self._real)
        ]
        assert found == expected

    async def _move(self, user_id: UserId, time_zone: str) -> None:
        user = await self._model.users.by_id(user_id)
        assert user is not None
        for books in (self._model, self._real):
            await books.users.change(user.id, time_zone=time_zone)

    async def _compare(self, accounts: Sequence[Account]) -> None:
        query = StatementQuery(wallet_ids=tuple(account.wallet_id for account in accounts), limit=1_000)
        expected, found = [(await books.statements.page(query)).lines for books in (self._model, self._real)]
        assert [(_without_system(line.transaction), line.direction) for line in found] == [
            (_without_system(line.transaction), line.direction) for line in expected
        ]
        assert self._model.findings() == []
        for account in accounts:
            user_id = owner(account)
            assert await self._real.wallets.of(user_id) == await self._model.wallets.of(user_id)
            assert await self._real.limits.of(user_id, "USD") == await self._model.limits.of(user_id, "USD")


def test_postgres_answers_as_the_model_does(database: str) -> None:
    loop = asyncio.new_event_loop()
    try:
        clock = SettableClock()
        pool = loop.run_until_complete(_pool(database))
        real = PostgresBooks(pool, clock)
        loop.run_until_complete(real.open(SequentialIds()))

        @given(
            people=st.lists(st.builds(Somebody, time_zones(), caps()), min_size=_PEOPLE, max_size=_PEOPLE),
            steps=st.lists(STEPS, min_size=3, max_size=20),
        )
        @settings(max_examples=200)
        def agree(people: list[Somebody], steps: list[Step]) -> None:
            clock.now = NOON
            model = InMemoryBooks(clock, ids=SequentialIds())
            loop.run_until_complete(Both(model, real, clock).play(people, steps))

        agree()

        assert loop.run_until_complete(real.findings()) == []
        loop.run_until_complete(pool.close())
    finally:
        loop.close()


def _seen(outcome: Outcome) -> Outcome:
    return (
        outcome if outcome.transaction is None else replace(outcome, transaction=_without_system(outcome.transaction))
    )


def _without_system(transaction: Transaction) -> Transaction:
    """The transaction without the balances of the system's accounts, which go on from one example to the next."""
    return replace(
        transaction, source=_without_balance(transaction.source), destination=_without_balance(transaction.destination)
    )


def _without_balance(side: Side | None) -> Side | None:
    return side if side is None or side.holder is not None else replace(side, balance_after=None)


async def _pool(database: str) -> "asyncpg.Pool[asyncpg.Record]":
    return await asyncpg.create_pool(database, min_size=1, max_size=2)
