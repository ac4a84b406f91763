"""What everything promises that the audit is read and sealed by, and people are looked up in."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from wallet_core.administration.audit import Actor, ActorKind, AuditEntry, AuditQuery
from wallet_core.administration.ports import PeopleQuery
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.ids import UserId, WalletId
from wallet_core.ledger.accounts import system_wallet_id
from wallet_core.testing.builders import a_user, new_id
from wallet_core.testing.contracts.audited import an_act, an_admin, entries
from wallet_core.testing.contracts.books import BooksUnderTest, a_currency_of, a_person, owner
from wallet_core.wallets.entities import WalletStatus


async def some_entries(books: BooksUnderTest, number: int = 5) -> list[AuditEntry]:
    """Entries about a wallet that was frozen and unfrozen in turn, the first one first."""
    alice = await a_person(books)
    for step in range(number):
        status = WalletStatus.ACTIVE if step % 2 else WalletStatus.FROZEN
        await books.administration.set_wallet_status(alice.wallet_id, status, an_act(f"Step {step}"))
    return [entry for entry in await entries(books) if entry.target_id == str(alice.wallet_id)]


class AuditTrailContract:
    """What every AuditTrail promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """

    async def test_entries_come_last_first_page_by_page(self, books: BooksUnderTest) -> None:
        kept = await some_entries(books, 5)

        first = await books.audit.page(AuditQuery(limit=3))
        second = await books.audit.page(AuditQuery(limit=3, before_place=first.next_before))

        assert [*first.entries, *second.entries] == kept[::-1]
        assert first.next_before is not None
        assert second.next_before is None

    async def test_a_page_that_is_just_full_is_the_last(self, books: BooksUnderTest) -> None:
        await some_entries(books, 3)

        page = await books.audit.page(AuditQuery(limit=3))

        assert (len(page.entries), page.next_before) == (3, None)

    async def test_entries_of_one_target_stand_in_the_order_of_its_changes(self, books: BooksUnderTest) -> None:
        kept = await some_entries(books, 6)

        places = [entry.place or 0 for entry in kept]

        assert places == sorted(set(places))
        assert [entry.reason for entry in kept] == [f"Step {step}" for step in range(6)]

    async def test_each_filter_leaves_what_fits_it(self, books: BooksUnderTest) -> None:
        admin, alice, bob = await an_admin(books), await a_person(books), await a_person(books)
        actor = Actor(kind=ActorKind.ADMIN, id=admin.id)
        await books.administration.set_wallet_status(alice.wallet_id, WalletStatus.FROZEN, an_act(actor=actor))
        await books.administration.set_person_status(owner(bob), UserStatus.DEACTIVATED, an_act())
        frozen, deactivated = await entries(books)

        async def found(query: AuditQuery) -> list[AuditEntry]:
            return list((await books.audit.page(query)).entries)

        assert await found(AuditQuery(actor_id=admin.id)) == [frozen]
        assert await found(AuditQuery(actor_kind=ActorKind.OPERATOR)) == [deactivated]
        assert await found(AuditQuery(action="person.deactivated")) == [deactivated]
        assert await found(AuditQuery(target_id=str(alice.wallet_id))) == [frozen]
        assert await found(AuditQuery(user_id=bob.user_id)) == [deactivated]
        assert await found(AuditQuery(made_from=deactivated.at)) == [deactivated]
        assert await found(AuditQuery(made_before=deactivated.at)) == [frozen]
        assert await found(AuditQuery(made_from=deactivated.at + timedelta(seconds=1))) == []
        assert await found(AuditQuery(actor_id=admin.id, user_id=bob.user_id)) == []


class SealRepositoryContract:
    """What every SealRepository promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """

    async def test_every_entry_is_sealed_once(self, books: BooksUnderTest) -> None:
        await some_entries(books, 5)

        first = [await books.seals.seal(3) for _ in range(3)]
        await some_entries(books, 2)
        second = await books.seals.seal(3)
        head = await books.seals.head()

        assert (first, second) == ([3, 2, 0], 2)
        assert head is not None
        assert head.seq == 7
        assert await books.seals.broken_links() == []

    async def test_there_is_nothing_to_seal_at_first(self, books: BooksUnderTest) -> None:
        assert await books.seals.seal(10) == 0
        assert await books.seals.head() is None
        assert await books.seals.broken_links() == []

    async def test_of_many_who_seal_at_once_nobody_seals_twice(self, books: BooksUnderTest) -> None:
        await some_entries(books, 6)

        sealed = await asyncio.gather(*[books.seals.seal(10) for _ in range(4)])
        rest = await books.seals.seal(10)

        assert sum(sealed) + rest == 6
        assert await books.seals.broken_links() == []


class PeopleDirectoryContract:
    """What every PeopleDirectory promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """

    async def test_people_come_newest_first_page_by_page(self, books: BooksUnderTest) -> None:
        people = [await self._add(books, a_user(name=f"Person {number}")) for number in range(5)]

        first = await books.directory.page(PeopleQuery(limit=3))
        second = await books.directory.page(PeopleQuery(limit=3, before=first.next_before))

        assert [*first.people, *second.people] == people[::-1]
        assert first.next_before == people[2].id
        assert second.next_before is None

    @pytest.mark.parametrize("text", ["LOVE", "lovelace", "@EXAMPLE.net", "+4915", "a%_"])
    async def test_what_is_looked_for_may_stand_anywhere_in_a_name_or_an_address(
        self, books: BooksUnderTest, text: str
    ) -> None:
        wanted = a_user(name="Ada Lovelace a%_", email="{id}@example.net", phone="+4915112345678")
        await self._add(books, wanted)
        await self._add(books, a_user(name="Charles"))

        found = await books.directory.page(PeopleQuery(text=text))

        assert found.people == (wanted,)

    async def test_people_are_found_by_role_and_status(self, books: BooksUnderTest) -> None:
        admin, person = await an_admin(books), await self._add(books, a_user())
        gone = await self._add(books, a_user())
        await books.change_person(gone.id, status=UserStatus.DEACTIVATED)

        admins = await books.directory.page(PeopleQuery(role=Role.ADMIN))
        active = await books.directory.page(PeopleQuery(status=UserStatus.ACTIVE))
        deactivated = await books.directory.page(PeopleQuery(status=UserStatus.DEACTIVATED, role=Role.USER))

        assert admins.people == (admin,)
        assert active.people == (person, admin)
        assert deactivated.people == (replace(gone, status=UserStatus.DEACTIVATED),)

    async def test_a_page_reads_so_many_people_and_no_more(self, books: BooksUnderTest) -> None:
        # Nothing that an id may hold by chance, which the addresses are made of.
        wanted = await self._add(books, a_user(name="Lovelace"))
        others = [await self._add(books, a_user(name=f"Other {number}")) for number in range(4)]

        first = await books.directory.page(PeopleQuery(text="lovelace", read_max=3))
        second = await books.directory.page(PeopleQuery(text="lovelace", read_max=3, before=first.next_before))

        assert (first.people, first.next_before) == ((), others[1].id)
        assert (second.people, second.next_before) == ((wanted,), None)

    async def test_a_wallet_is_found_whosever_it_is(self, books: BooksUnderTest) -> None:
        alice = await a_person(books)
        await a_currency_of(books, alice, "EUR")

        found = await books.directory.wallet(alice.wallet_id)

        assert found == await books.wallets.find(owner(alice), alice.wallet_id)
        assert await books.directory.wallet(WalletId(new_id())) is None
        assert await books.directory.wallet(system_wallet_id("payout")) is None

    async def _add(self, books: BooksUnderTest, user: User) -> User:
        assert await books.users.add(user, "hash") is None
        kept = await books.users.by_id(UserId(user.id))
        assert kept is not None
        return kept
