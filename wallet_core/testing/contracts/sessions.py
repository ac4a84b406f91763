"""What every session repository promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.identity.refreshing import GRACE, RefreshRefusal
from wallet_core.identity.session import Session, SessionEnd
from wallet_core.identity.session_ports import RefusedRefresh
from wallet_core.ids import SessionId, UserId
from wallet_core.testing.builders import a_session, a_user, new_id
from wallet_core.testing.clock import NOON
from wallet_core.testing.contracts.books import BooksUnderTest

IDLE: Final = timedelta(minutes=15)
SECOND: Final = timedelta(seconds=1)
MANY: Final = 100
HASHED: Final = "hash"
HASHED_ANEW: Final = "another hash"


class SessionRepositoryContract:
    """What every SessionRepository promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """

    async def test_a_session_is_found_as_it_was_added_with_what_its_person_may_do(self, books: BooksUnderTest) -> None:
        user = await _a_person(books, role=Role.ADMIN)
        session = a_session(user_id=user.id, device="A phone", address="192.0.2.7")

        added = await books.sessions.add(session, b"first", password_hash=None, sessions_max=MANY)

        assert added == await books.sessions.find(session.id) == replace(session, role=Role.ADMIN)

    async def test_an_unknown_session_is_not_found(self, books: BooksUnderTest) -> None:
        assert await books.sessions.find(SessionId(new_id())) is None

    async def test_nobody_unknown_or_deactivated_begins_a_session(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        await books.change_person(user.id, status=UserStatus.DEACTIVATED)

        for user_id in (user.id, UserId(new_id())):
            session = a_session(user_id=user_id)
            added = await books.sessions.add(session, b"first", password_hash=None, sessions_max=MANY)

            assert added is None
            assert await books.sessions.find(session.id) is None

    async def test_a_password_that_was_changed_since_it_was_proved_begins_no_session(
        self, books: BooksUnderTest
    ) -> None:
        user = await _a_person(books)
        await books.users.replace_password_hash(user.id, HASHED_ANEW, instead_of=HASHED)

        late = await books.sessions.add(a_session(user_id=user.id), b"first", password_hash=HASHED, sessions_max=MANY)
        good = await books.sessions.add(
            a_session(user_id=user.id), b"second", password_hash=HASHED_ANEW, sessions_max=MANY
        )

        assert late is None
        assert good is not None

    async def test_a_second_factor_that_was_turned_on_since_it_was_asked_about_begins_no_session(
        self, books: BooksUnderTest
    ) -> None:
        user = await _a_person(books)
        added = []

        for is_on in (False, True):
            await books.change_person(user.id, second_factor=is_on)
            for asked in (False, True, None):
                session = a_session(user_id=user.id)
                kept = await books.sessions.add(
                    session, session.id.bytes, password_hash=HASHED, second_factor=asked, sessions_max=MANY
                )
                added.append(kept is not None)

        assert added == [True, False, True, False, True, True]

    async def test_one_session_too_many_ends_the_one_that_was_not_used_longest(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        idle, used = await _sessions(books, user, 2)
        await books.sessions.touch({used.id: NOON + SECOND})

        third = await _a_session(books, user, sessions_max=2)

        assert (await _found(books, idle)).ended_because is SessionEnd.SUPERSEDED
        assert (await _found(books, used)).ended_at is (await _found(books, third)).ended_at is None

    async def test_the_live_sessions_of_a_person_come_last_used_first(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        first, second, ended = await _sessions(books, user, 3)
        await _a_session(books, user, expires_at=NOON + timedelta(minutes=1))
        await _sessions(books, await _a_person(books), 1)
        await books.sessions.end(ended.id, SessionEnd.LOGGED_OUT, NOON)
        await books.sessions.touch({first.id: NOON + 2 * SECOND, second.id: NOON + SECOND})
        now = NOON + IDLE

        live = await books.sessions.of(user.id, now, idle=IDLE, rows_max=MANY)
        one = await books.sessions.of(user.id, now, idle=IDLE, rows_max=1)
        later = await books.sessions.of(user.id, now + SECOND, idle=IDLE, rows_max=MANY)

        assert [session.id for session in live] == [first.id, second.id]
        assert [session.id for session in one] == [session.id for session in later] == [first.id]

    async def test_a_session_ends_once_and_stays_as_it_ended(self, books: BooksUnderTest) -> None:
        session = await _a_session(books, await _a_person(books))

        first = await books.sessions.end(session.id, SessionEnd.LOGGED_OUT, NOON)
        again = await books.sessions.end(session.id, SessionEnd.ENDED_BY_ADMIN, NOON + SECOND)

        found = await _found(books, session)
        assert first is again is True
        assert (found.ended_at, found.ended_because) == (NOON, SessionEnd.LOGGED_OUT)

    async def test_nobody_ends_a_session_of_somebody_else_or_of_nobody(self, books: BooksUnderTest) -> None:
        session = await _a_session(books, await _a_person(books))
        other = await _a_person(books)

        theirs = await books.sessions.end(session.id, SessionEnd.ENDED_BY_OWNER, NOON, owner=other.id)
        unknown = await books.sessions.end(SessionId(new_id()), SessionEnd.ENDED_BY_ADMIN, NOON)

        assert theirs is unknown is False
        assert (await _found(books, session)).ended_at is None

    async def test_all_sessions_of_a_person_end_but_the_spared_one(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        spared, *others = await _sessions(books, user, 3)
        (foreign,) = await _sessions(books, await _a_person(books), 1)

        ended = await books.sessions.end_all(user.id, SessionEnd.PASSWORD_CHANGED, NOON, spared=spared.id)
        again = await books.sessions.end_all(user.id, SessionEnd.LOGGED_OUT_EVERYWHERE, NOON)

        assert set(ended) == {session.id for session in others}
        assert again == [spared.id]
        assert {(await _found(books, each)).ended_because for each in others} == {SessionEnd.PASSWORD_CHANGED}
        assert (await _found(books, foreign)).ended_at is None

    async def test_a_proof_is_kept_unless_the_session_has_ended(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        live, ended = await _sessions(books, user, 2)
        await books.sessions.end(ended.id, SessionEnd.LOGGED_OUT, NOON)

        proved = [await books.sessions.prove(each.id, NOON + SECOND) for each in (live, ended)]

        assert proved == [True, False]
        assert (await _found(books, live)).proved_at == NOON + SECOND
        assert (await _found(books, ended)).proved_at == NOON

    async def test_of_two_uses_the_later_one_is_kept_in_whatever_order_they_come(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        first, second = await _sessions(books, user, 2)

        await books.sessions.touch({first.id: NOON + 5 * SECOND, second.id: NOON + 3 * SECOND})
        await books.sessions.touch({first.id: NOON + 4 * SECOND, SessionId(new_id()): NOON})
        await books.sessions.touch({})

        assert (await _found(books, first)).last_seen_at == NOON + 5 * SECOND
        assert (await _found(books, second)).last_seen_at == NOON + 3 * SECOND

    # --- Refreshing ---

    async def test_a_refresh_token_is_spent_for_its_successor(self, books: BooksUnderTest) -> None:
        session = await _a_session(books, await _a_person(books), token=b"first")

        outcomes = [
            await books.sessions.refresh(presented, successor, NOON, idle=IDLE)
            for presented, successor in ((b"first", b"second"), (b"second", b"third"))
        ]

        assert outcomes == [session, session]

    async def test_a_token_that_was_never_issued_is_unknown(self, books: BooksUnderTest) -> None:
        await _a_session(books, await _a_person(books), token=b"first")

        outcome = await books.sessions.refresh(b"forged", b"second", NOON, idle=IDLE)

        assert outcome == RefusedRefresh(reason=RefreshRefusal.UNKNOWN)

    async def test_within_the_grace_a_spent_token_still_gets_its_successor(self, books: BooksUnderTest) -> None:
        session = await _a_session(books, await _a_person(books), token=b"first")
        await books.sessions.refresh(b"first", b"second", NOON, idle=IDLE)

        again = await books.sessions.refresh(b"first", b"second", NOON + GRACE, idle=IDLE)

        assert again == session
        assert isinstance(await books.sessions.refresh(b"second", b"third", NOON + GRACE, idle=IDLE), Session)

    async def test_a_grace_is_not_made_longer_by_using_it(self, books: BooksUnderTest) -> None:
        await _a_session(books, await _a_person(books), token=b"first")
        for seconds in (0, 8):
            await books.sessions.refresh(b"first", b"second", NOON + seconds * SECOND, idle=IDLE)

        outcome = await books.sessions.refresh(b"first", b"second", NOON + GRACE + SECOND, idle=IDLE)

        assert isinstance(outcome, RefusedRefresh)
        assert outcome.reason is RefreshRefusal.REUSED

    async def test_a_token_that_is_used_after_the_grace_ends_its_session(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        session = await _a_session(books, user, token=b"first")
        other = await _a_session(books, user, token=b"of another session")
        await books.sessions.refresh(b"first", b"second", NOON, idle=IDLE)
        late = NOON + GRACE + SECOND

        reused = await books.sessions.refresh(b"first", b"second", late, idle=IDLE)
        newest = await books.sessions.refresh(b"second", b"third", late, idle=IDLE)

        assert isinstance(reused, RefusedRefresh)
        assert isinstance(newest, RefusedRefresh)
        assert (reused.reason, newest.reason) == (RefreshRefusal.REUSED, RefreshRefusal.EXPIRED)
        assert reused.session is not None
        assert reused.session.id == session.id
        found = await _found(books, session)
        assert (found.ended_at, found.ended_because) == (late, SessionEnd.REFRESH_REUSED)
        assert (await _found(books, other)).ended_at is None

    async def test_a_session_that_is_over_is_not_refreshed_and_not_ended_again(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        ended = await _a_session(books, user, token=b"ended")
        expired = await _a_session(books, user, token=b"expired", expires_at=NOON + SECOND)
        await _a_session(books, user, token=b"idle")
        await books.sessions.touch({expired.id: NOON + IDLE})
        await books.sessions.end(ended.id, SessionEnd.LOGGED_OUT, NOON)

        outcomes = [
            await books.sessions.refresh(token, b"successor of " + token, NOON + IDLE, idle=IDLE)
            for token in (b"ended", b"expired", b"idle")
        ]

        assert [isinstance(each, RefusedRefresh) and each.reason for each in outcomes] == [RefreshRefusal.EXPIRED] * 3
        assert (await _found(books, ended)).ended_because is SessionEnd.LOGGED_OUT

    async def test_a_refresh_is_no_use_of_the_session(self, books: BooksUnderTest) -> None:
        session = await _a_session(books, await _a_person(books), token=b"first")

        await books.sessions.refresh(b"first", b"second", NOON + SECOND, idle=IDLE)

        assert (await _found(books, session)).last_seen_at == NOON

    async def test_many_who_refresh_at_once_are_all_answered_alike(self, books: BooksUnderTest) -> None:
        session = await _a_session(books, await _a_person(books), token=b"first")

        outcomes = await asyncio.gather(
            *[books.sessions.refresh(b"first", b"second", NOON, idle=IDLE) for _ in range(10)]
        )

        assert outcomes == [session] * 10
        assert await books.sessions.refresh(b"second", b"third", NOON, idle=IDLE) == session

    # --- What others have to know ---

    async def test_what_matters_elsewhere_is_a_change_and_being_used_is_none(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        ended, proved, all_ended, untouched = await _sessions(books, user, 4)
        before = (await books.sessions.changes(None, rows_max=MANY)).read_at
        await asyncio.sleep(0.002)

        await books.sessions.touch({untouched.id: NOON + SECOND})
        await books.sessions.end(ended.id, SessionEnd.LOGGED_OUT, NOON)
        await books.sessions.prove(proved.id, NOON + SECOND)
        changes = await books.sessions.changes(before, rows_max=MANY)
        await books.sessions.end_all(user.id, SessionEnd.LOGGED_OUT_EVERYWHERE, NOON, spared=untouched.id)
        later = await books.sessions.changes(before, rows_max=MANY)

        assert changes.is_complete
        assert changes.read_at > before
        assert {each.id for each in changes.sessions} == {ended.id, proved.id}
        assert {each.id for each in later.sessions} == {ended.id, proved.id, all_ended.id}
        for each in later.sessions:
            assert each == await _found(books, each)

    async def test_more_changes_than_are_asked_for_are_known_to_be_more(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        await _sessions(books, user, 3)
        before = (await books.sessions.changes(None, rows_max=MANY)).read_at
        await asyncio.sleep(0.002)
        await books.sessions.end_all(user.id, SessionEnd.LOGGED_OUT_EVERYWHERE, NOON)

        some = await books.sessions.changes(before, rows_max=2)
        all_of_them = await books.sessions.changes(before, rows_max=3)
        none = await books.sessions.changes(None, rows_max=2)

        assert (len(some.sessions), some.is_complete) == (2, False)
        assert (len(all_of_them.sessions), all_of_them.is_complete) == (3, True)
        assert (list(none.sessions), none.is_complete) == ([], True)

    async def test_what_a_person_may_do_changes_for_all_their_sessions(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        live, ended = await _sessions(books, user, 2)
        await books.sessions.end(ended.id, SessionEnd.LOGGED_OUT, NOON)
        before = (await books.sessions.changes(None, rows_max=MANY)).read_at
        await asyncio.sleep(0.002)

        await books.change_person(user.id, role=Role.ADMIN, second_factor=True)
        changes = await books.sessions.changes(before, rows_max=MANY)

        (changed,) = changes.sessions
        assert (changed.id, changed.role, changed.second_factor) == (live.id, Role.ADMIN, True)
        assert changed.ended_at is None

    async def test_whoever_is_deactivated_has_no_session_left(self, books: BooksUnderTest) -> None:
        user = await _a_person(books)
        logged_out, live = await _sessions(books, user, 2)
        await books.sessions.end(logged_out.id, SessionEnd.LOGGED_OUT, NOON)
        before = (await books.sessions.changes(None, rows_max=MANY)).read_at
        await asyncio.sleep(0.002)

        await books.change_person(user.id, status=UserStatus.DEACTIVATED)
        changes = await books.sessions.changes(before, rows_max=MANY)

        (ended,) = changes.sessions
        assert (ended.id, ended.ended_because) == (live.id, SessionEnd.ACCOUNT_DEACTIVATED)
        assert (await _found(books, logged_out)).ended_because is SessionEnd.LOGGED_OUT


async def _a_person(books: BooksUnderTest, *, role: Role = Role.USER) -> User:
    user = a_user(role=role)
    await books.users.add(user, HASHED)
    return user


async def _a_session(
    books: BooksUnderTest, user: User, *, token: bytes | None = None, sessions_max: int = MANY, **chosen: object
) -> Session:
    session = replace(a_session(user_id=user.id), **chosen)  # type: ignore[arg-type]  # of the field that is named
    added = await books.sessions.add(session, token or session.id.bytes, password_hash=None, sessions_max=sessions_max)
    assert added is not None
    return added


async def _sessions(books: BooksUnderTest, user: User, number: int) -> list[Session]:
    return [await _a_session(books, user) for _ in range(number)]


async def _found(books: BooksUnderTest, session: Session) -> Session:
    found = await books.sessions.find(session.id)
    assert found is not None
    return found
