"""What every limit repository promises."""

import asyncio

from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.testing.builders import a_wallet, a_withdrawal, an_account, granted_caps
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    a_currency_of,
    a_person,
    a_wallet_of,
    limit_of,
    owner,
    post,
)

_GRANTED = granted_caps()


class LimitRepositoryContract:
    """What every LimitRepository promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """

    async def test_opening_a_wallet_opens_the_limits_of_its_currency(self, books: BooksUnderTest) -> None:
        alice = await a_person(
            books,
            time_zone="Asia/Tokyo",
            granted={LimitKind.TRANSFER: Caps(daily=1, monthly=2), LimitKind.WITHDRAWAL: Caps(daily=3, monthly=4)},
        )

        limits = await books.limits.of(owner(alice), "USD")

        assert [(limit.kind, limit.granted) for limit in limits] == [
            (LimitKind.TRANSFER, Caps(daily=1, monthly=2)),
            (LimitKind.WITHDRAWAL, Caps(daily=3, monthly=4)),
        ]
        assert {(limit.user_id, limit.currency, limit.time_zone) for limit in limits} == {
            (owner(alice), "USD", "Asia/Tokyo")
        }
        assert [(limit.chosen, limit.day_used, limit.month_used) for limit in limits] == [(ChosenCaps(), 0, 0)] * 2

    async def test_taking_up_a_currency_opens_its_limits(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        before = await books.limits.of(owner(alice), "EUR")

        await a_currency_of(books, alice, "EUR")

        assert before == []
        assert [limit.kind for limit in await books.limits.of(owner(alice), "EUR")] == list(LimitKind)

    async def test_limits_that_are_there_are_not_granted_anew(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500, granted=granted_caps(daily=100))
        await post(books, a_withdrawal(alice, amount=60))
        before = await books.limits.of(owner(alice), "USD")

        await a_wallet_of(books, owner(alice), name="Savings", granted=granted_caps(daily=999))

        assert await books.limits.of(owner(alice), "USD") == before

    async def test_a_wallet_that_is_refused_opens_no_limits(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        wallet = a_wallet(user_id=owner(alice), name="main", currency="EUR")
        account = an_account(wallet_id=wallet.id, user_id=alice.user_id, currency="EUR")

        await books.wallets.open(wallet, account, granted_caps(), wallets_max=10)

        assert await books.limits.of(owner(alice), "EUR") == []

    async def test_limits_follow_their_person_into_another_time_zone(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        user = await books.users.by_id(owner(alice))
        assert user is not None

        await books.users.change(user.id, time_zone="Asia/Tokyo")

        assert {limit.time_zone for limit in await books.limits.of(owner(alice), "USD")} == {"Asia/Tokyo"}

    async def test_a_person_lowers_their_limits(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)

        done = await books.limits.choose(
            owner(alice), "USD", {LimitKind.TRANSFER: ChosenCaps(daily=50, monthly=60)}, granted=_GRANTED
        )

        assert done
        transfer = await limit_of(books, alice, LimitKind.TRANSFER)
        assert (transfer.caps, transfer.granted) == (Caps(daily=50, monthly=60), _GRANTED[LimitKind.TRANSFER])
        assert (await limit_of(books, alice, LimitKind.WITHDRAWAL)).caps == _GRANTED[LimitKind.WITHDRAWAL]

    async def test_what_is_not_said_stays_as_it_was_chosen(self, books: BooksUnderTest) -> None:
        alice, kind = await a_person(books), LimitKind.TRANSFER
        await books.limits.choose(owner(alice), "USD", {kind: ChosenCaps(daily=50)}, granted=_GRANTED)

        await books.limits.choose(owner(alice), "USD", {kind: ChosenCaps(monthly=60)}, granted=_GRANTED)
        await books.limits.choose(owner(alice), "USD", {kind: ChosenCaps()}, granted=_GRANTED)

        assert (await limit_of(books, alice, kind)).chosen == ChosenCaps(daily=50, monthly=60)

    async def test_a_person_raises_their_limits_again_up_to_what_is_granted(self, books: BooksUnderTest) -> None:
        alice, kind = await a_person(books, granted=granted_caps(daily=100, monthly=200)), LimitKind.TRANSFER
        await books.limits.choose(owner(alice), "USD", {kind: ChosenCaps(daily=0, monthly=0)}, granted=_GRANTED)

        raised = await books.limits.choose(
            owner(alice), "USD", {kind: ChosenCaps(daily=100, monthly=200)}, granted=_GRANTED
        )

        assert raised
        assert (await limit_of(books, alice, kind)).caps == Caps(daily=100, monthly=200)

    async def test_a_limit_above_the_granted_one_is_refused_with_all_that_was_asked(
        self, books: BooksUnderTest
    ) -> None:
        alice = await a_person(books, granted=granted_caps(daily=100, monthly=200))
        before = await books.limits.of(owner(alice), "USD")

        answers = [
            await books.limits.choose(
                owner(alice),
                "USD",
                {LimitKind.TRANSFER: ChosenCaps(daily=50), LimitKind.WITHDRAWAL: above},
                granted=_GRANTED,
            )
            for above in (ChosenCaps(daily=101), ChosenCaps(monthly=201), ChosenCaps(daily=1, monthly=201))
        ]

        assert answers == [False] * 3
        assert await books.limits.of(owner(alice), "USD") == before

    async def test_choosing_in_a_currency_that_is_not_held_opens_its_limits(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)

        done = await books.limits.choose(
            owner(alice), "EUR", {LimitKind.TRANSFER: ChosenCaps(daily=50)}, granted=granted_caps(daily=70, monthly=80)
        )

        assert done
        limits = await books.limits.of(owner(alice), "EUR")
        assert [limit.caps for limit in limits] == [Caps(daily=50, monthly=80), Caps(daily=70, monthly=80)]

    async def test_lowering_a_limit_keeps_its_use(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)
        await post(books, a_withdrawal(alice, amount=60))

        await books.limits.choose(owner(alice), "USD", {LimitKind.WITHDRAWAL: ChosenCaps(daily=50)}, granted=_GRANTED)

        limit = await limit_of(books, alice, LimitKind.WITHDRAWAL)
        assert (limit.day_used, limit.month_used) == (60, 60)

    async def test_each_person_chooses_for_themselves(self, books: BooksUnderTest) -> None:
        alice, bob = await a_person(books), await a_person(books)

        await books.limits.choose(owner(alice), "USD", {LimitKind.TRANSFER: ChosenCaps(daily=0)}, granted=_GRANTED)

        assert (await limit_of(books, bob, LimitKind.TRANSFER)).caps == _GRANTED[LimitKind.TRANSFER]

    async def test_lowering_while_money_moves_loses_neither(self, books: BooksUnderTest) -> None:
        alice = await a_person(books, balance=500)

        await asyncio.gather(
            *(post(books, a_withdrawal(alice, amount=5)) for _ in range(10)),
            books.limits.choose(
                owner(alice), "USD", {LimitKind.WITHDRAWAL: ChosenCaps(monthly=5_000)}, granted=_GRANTED
            ),
        )

        limit = await limit_of(books, alice, LimitKind.WITHDRAWAL)
        assert (limit.day_used, limit.caps.monthly) == (50, 5_000)
