"""What every user repository promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from wallet_core.identity.entities import Role
from wallet_core.identity.ports import Taken
from wallet_core.identity.session import SessionEnd
from wallet_core.ids import UserId
from wallet_core.testing.builders import a_session, a_user, new_id
from wallet_core.testing.clock import NOON
from wallet_core.testing.contracts.books import BooksUnderTest


class UserRepositoryContract:
    """What every UserRepository promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """

    async def test_a_person_is_found_as_they_were_added(self, books: BooksUnderTest) -> None:
        user = a_user(
            name="Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}",
            email="Zoe@Example.org",
            phone="+41446681800",
            role=Role.ADMIN,
            time_zone="Asia/Kolkata",
        )

        assert await books.users.add(user, "hash") is None
        assert await books.users.by_id(user.id) == user

    async def test_a_person_may_have_a_phone_number_alone(self, books: BooksUnderTest) -> None:
        user = a_user(email=None, phone="+41446681800")

        assert await books.users.add(user, "hash") is None
        assert await books.users.by_address(phone="+41446681800") == user

    async def test_a_person_is_reached_by_email_in_any_case_of_letters(self, books: BooksUnderTest) -> None:
        user = a_user(email="Alice@Example.org")
        await books.users.add(user, "hash")

        assert await books.users.by_address(email="aLICE@example.ORG") == user

    async def test_a_person_is_reached_by_either_address(self, books: BooksUnderTest) -> None:
        user = a_user(email="alice@example.org", phone="+41446681800")
        await books.users.add(user, "hash")

        assert await books.users.by_address(email="alice@example.org") == user
        assert await books.users.by_address(phone="+41446681800") == user

    async def test_addresses_of_two_people_are_nobodys_together(self, books: BooksUnderTest) -> None:
        alice = a_user(email="alice@example.org", phone="+41446681800")
        bob = a_user(email="bob@example.org", phone="+41446681801")
        await books.users.add(alice, "hash")
        await books.users.add(bob, "hash")

        assert await books.users.by_address(email="alice@example.org", phone="+41446681800") == alice
        assert await books.users.by_address(email="alice@example.org", phone="+41446681801") is None
        assert await books.users.by_address(email="bob@example.org", phone="+41446681800") is None
        assert await books.users.by_address(email="alice@example.org", phone="+41446681802") is None

    async def test_nobody_is_reached_by_an_address_of_nobody(self, books: BooksUnderTest) -> None:
        await books.users.add(a_user(email="alice@example.org", phone=None), "hash")
        await books.users.add(a_user(email=None, phone="+41446681800"), "hash")

        assert await books.users.by_address(email="bob@example.org") is None
        assert await books.users.by_address(phone="+41446681801") is None
        assert await books.users.by_address() is None

    async def test_wildcards_are_no_addresses(self, books: BooksUnderTest) -> None:
        await books.users.add(a_user(email="alice@example.org"), "hash")

        assert await books.users.by_address(email="%") is None
        assert await books.users.by_address(email="_lice@example.org") is None

    async def test_an_unknown_person_is_not_found(self, books: BooksUnderTest) -> None:
        nobody = UserId(new_id())

        assert await books.users.by_id(nobody) is None
        assert await books.users.password_hash(nobody) is None

    async def test_the_hash_of_a_password_is_kept_by_its_person(self, books: BooksUnderTest) -> None:
        alice, bob = a_user(), a_user()
        await books.users.add(alice, "hash of hers")
        await books.users.add(bob, "hash of his")

        assert await books.users.password_hash(alice.id) == "hash of hers"
        assert await books.users.password_hash(bob.id) == "hash of his"

    async def test_an_email_address_is_taken_once_in_any_case_of_letters(self, books: BooksUnderTest) -> None:
        await books.users.add(a_user(email="alice@example.org"), "hash")
        second = a_user(email="ALICE@example.org")

        assert await books.users.add(second, "hash") is Taken.EMAIL
        assert await books.users.by_id(second.id) is None

    async def test_a_phone_number_is_taken_once(self, books: BooksUnderTest) -> None:
        await books.users.add(a_user(phone="+41446681800"), "hash")
        second = a_user(phone="+41446681800")

        assert await books.users.add(second, "hash") is Taken.PHONE
        assert await books.users.by_id(second.id) is None

    async def test_of_two_taken_addresses_the_email_is_named(self, books: BooksUnderTest) -> None:
        await books.users.add(a_user(email="alice@example.org", phone="+41446681800"), "hash")

        taken = await books.users.add(a_user(email="alice@example.org", phone="+41446681800"), "hash")

        assert taken is Taken.EMAIL

    async def test_an_address_asked_for_by_many_at_once_is_given_once(self, books: BooksUnderTest) -> None:
        asked = [a_user(email="alice@example.org") for _ in range(6)]

        answers = await asyncio.gather(*(books.users.add(user, "hash") for user in asked))

        assert sorted(answers, key=str) == [None] + [Taken.EMAIL] * 5

    async def test_name_phone_and_time_zone_change(self, books: BooksUnderTest) -> None:
        user = a_user(phone="+41446681800")
        await books.users.add(user, "hash")
        changed = replace(user, name="Alicia", phone="+41446681801", phone_verified_at=None, time_zone="Asia/Tokyo")

        answer = await books.users.change(user.id, name="Alicia", phone="+41446681801", time_zone="Asia/Tokyo")

        assert answer == changed
        assert await books.users.by_id(user.id) == changed
        assert await books.users.by_address(phone="+41446681800") is None

    async def test_an_address_that_changed_is_not_verified_and_one_that_stayed_still_is(
        self, books: BooksUnderTest
    ) -> None:
        user = a_user(email="alice@example.org", phone="+41446681800")
        await books.users.add(user, "hash")

        await books.users.change(user.id, email="ALICE@example.org", phone="+41446681800")
        same = await books.users.by_id(user.id)
        await books.users.change(user.id, email="alicia@example.org")
        other_email = await books.users.by_id(user.id)
        await books.users.change(user.id, phone="+41446681801")
        other_phone = await books.users.by_id(user.id)

        assert same == replace(user, email="ALICE@example.org")
        assert other_email == replace(user, email="alicia@example.org", email_verified_at=None)
        assert other_phone == replace(other_email, phone="+41446681801", phone_verified_at=None)

    async def test_an_address_that_is_new_to_a_person_is_not_verified(self, books: BooksUnderTest) -> None:
        user = a_user(email="alice@example.org", phone=None)
        await books.users.add(user, "hash")

        changed = await books.users.change(user.id, phone="+41446681800")

        assert changed == replace(user, phone="+41446681800", phone_verified_at=None)

    async def test_somebody_elses_email_address_is_not_taken_over(self, books: BooksUnderTest) -> None:
        user = a_user()
        await books.users.add(user, "hash")
        await books.users.add(a_user(email="bob@example.org"), "hash")

        taken = await books.users.change(user.id, name="Alicia", email="BOB@example.org")

        assert taken is Taken.EMAIL
        assert await books.users.by_id(user.id) == user

    async def test_an_address_is_verified_once_and_alone(self, books: BooksUnderTest) -> None:
        user = a_user(email="alice@example.org", phone="+41446681800", verified=False)
        await books.users.add(user, "hash")
        later = NOON + timedelta(days=1)

        by_email = await books.users.verify_address(user.id, email="Alice@example.org", now=NOON)
        again = await books.users.verify_address(user.id, email="alice@example.org", now=later)
        by_phone = await books.users.verify_address(user.id, phone="+41446681800", now=later)

        assert by_email == again == replace(user, email_verified_at=NOON)
        assert by_phone == await books.users.by_id(user.id) == replace(again, phone_verified_at=later)

    async def test_an_address_that_is_no_longer_theirs_verifies_nothing(self, books: BooksUnderTest) -> None:
        user = a_user(email="alice@example.org", phone=None, verified=False)
        await books.users.add(user, "hash")

        unchanged = await books.users.verify_address(user.id, email="former@example.org", now=NOON)
        without_phone = await books.users.verify_address(user.id, phone="+41446681800", now=NOON)

        assert unchanged == without_phone == user
        assert await books.users.verify_address(UserId(new_id()), email="alice@example.org", now=NOON) is None

    async def test_a_password_is_replaced_while_it_is_the_one_that_was_meant(self, books: BooksUnderTest) -> None:
        user, other = a_user(), a_user()
        await books.users.add(user, "first")
        await books.users.add(other, "first")

        answers = await asyncio.gather(
            *(books.users.replace_password_hash(user.id, f"second {n}", instead_of="first") for n in range(4))
        )

        assert sorted(answers) == [False] * 3 + [True]
        assert await books.users.password_hash(user.id) == f"second {answers.index(True)}"
        assert await books.users.password_hash(other.id) == "first"
        assert not await books.users.replace_password_hash(UserId(new_id()), "second", instead_of="first")

    async def test_another_password_ends_every_session_but_the_spared_one(self, books: BooksUnderTest) -> None:
        user, other = a_user(), a_user()
        sessions = [a_session(user_id=user.id), a_session(user_id=user.id), a_session(user_id=other.id)]
        for person in (user, other):
            await books.users.add(person, "first")
        for number, session in enumerate(sessions):
            await books.sessions.add(session, bytes([number]), password_hash=None, sessions_max=10)

        changed = await books.users.change_password(
            user.id, "second", instead_of="first", spared=sessions[0].id, now=NOON
        )

        kept = [await books.sessions.find(session.id) for session in sessions]
        assert changed
        assert await books.users.password_hash(user.id) == "second"
        assert await books.users.password_hash(other.id) == "first"
        assert [None if each is None else each.ended_because for each in kept] == [
            None,
            SessionEnd.PASSWORD_CHANGED,
            None,
        ]
        assert kept[1] is not None
        assert (kept[1].ended_at, kept[1].changed_at is None) == (NOON, False)

    async def test_a_password_that_is_another_by_now_changes_nothing(self, books: BooksUnderTest) -> None:
        user = a_user()
        session = a_session(user_id=user.id)
        await books.users.add(user, "first")
        await books.sessions.add(session, b"token", password_hash=None, sessions_max=10)

        meant_another = await books.users.change_password(user.id, "third", instead_of="second", spared=None, now=NOON)
        nobody = await books.users.change_password(UserId(new_id()), "third", instead_of=None, spared=None, now=NOON)
        kept = await books.sessions.find(session.id)
        whatever_it_was = await books.users.change_password(user.id, "third", instead_of=None, spared=None, now=NOON)

        assert (meant_another, nobody, whatever_it_was) == (False, False, True)
        assert kept is not None
        assert kept.ended_at is None
        assert await books.users.password_hash(user.id) == "third"

    async def test_a_person_is_warned_once_in_a_while_however_many_want_to(self, books: BooksUnderTest) -> None:
        user, hour = a_user(), timedelta(hours=1)
        await books.users.add(user, "hash")

        at_once = await asyncio.gather(
            *(books.users.warn(user.id, now=NOON, unless_since=NOON - hour) for _ in range(4))
        )
        too_soon = await books.users.warn(user.id, now=NOON + hour / 2, unless_since=NOON - hour / 2)
        later = await books.users.warn(user.id, now=NOON + hour, unless_since=NOON)

        assert sorted(at_once) == [False] * 3 + [True]
        assert (too_soon, later) == (False, True)
        assert not await books.users.warn(UserId(new_id()), now=NOON, unless_since=NOON - hour)

    async def test_nothing_else_of_a_person_changes(self, books: BooksUnderTest) -> None:
        user = a_user(email="alice@example.org")
        await books.users.add(user, "hash")

        changed = await books.users.change(user.id, name="Alicia")

        assert changed == await books.users.by_id(user.id) == replace(user, name="Alicia")
        assert await books.users.password_hash(user.id) == "hash"

    async def test_somebody_elses_phone_number_is_not_taken_over(self, books: BooksUnderTest) -> None:
        user = a_user()
        await books.users.add(user, "hash")
        await books.users.add(a_user(phone="+41446681800"), "hash")

        taken = await books.users.change(user.id, name="Alicia", phone="+41446681800")

        assert taken is Taken.PHONE
        assert await books.users.by_id(user.id) == user

    async def test_ones_own_phone_number_stays_ones_own(self, books: BooksUnderTest) -> None:
        user = a_user(phone="+41446681800")
        await books.users.add(user, "hash")

        answer = await books.users.change(user.id, phone="+41446681800")

        assert answer == user

    async def test_changes_made_at_once_all_count(self, books: BooksUnderTest) -> None:
        user = a_user()
        await books.users.add(user, "hash")

        await asyncio.gather(
            books.users.change(user.id, name="Alicia"),
            books.users.change(user.id, phone="+41446681800"),
            books.users.change(user.id, time_zone="Asia/Tokyo"),
        )

        assert await books.users.by_id(user.id) == replace(
            user, name="Alicia", phone="+41446681800", time_zone="Asia/Tokyo"
        )

    async def test_changing_an_unknown_person_adds_nobody(self, books: BooksUnderTest) -> None:
        user = a_user()

        assert await books.users.change(user.id, name="Alicia") is None
        assert await books.users.by_id(user.id) is None
