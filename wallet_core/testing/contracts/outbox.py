"""What everybody promises who has a hand in telling people what happened."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Protocol

from wallet_core.administration.audit import OPERATOR, Act, AuditQuery
from wallet_core.events.kinds import EventKind, Facts, StateChange
from wallet_core.identity.changes import new_device
from wallet_core.identity.entities import User
from wallet_core.ids import AuditId, DeliveryId, NotificationId, UserId
from wallet_core.notifications.deliveries import Delivery, DeliveryQueue, UnparkRefusal
from wallet_core.notifications.inbox import Inbox, Notification
from wallet_core.notifications.notices import Channel, NoticeKind
from wallet_core.notifications.outbox import Outbox
from wallet_core.notifications.preferences import PreferenceRepository
from wallet_core.notifications.turns import Turns
from wallet_core.testing.builders import a_session, a_transfer, a_user, a_withdrawal, new_id
from wallet_core.testing.clock import NOON
from wallet_core.testing.contracts.books import BooksUnderTest, a_person, a_wallet_of, owner, post

MANY: Final = 1_000
NO_TIME: Final = timedelta(0)
LONG: Final = timedelta(hours=1)


class PostUnderTest(BooksUnderTest, Protocol):
    """Books with all that hangs on their events. InMemoryBooks is one."""

    @property
    def outbox(self) -> Outbox:
        """Where events are relayed."""
        ...

    @property
    def deliveries(self) -> DeliveryQueue:
        """Where deliveries wait."""
        ...

    @property
    def inbox(self) -> Inbox:
        """Where people find what they were told."""
        ...

    @property
    def preferences(self) -> PreferenceRepository:
        """What they want to be sent."""
        ...


class OutboxContract:
    """What every Outbox promises.

    Subclass it and provide the fixture `books`, a PostUnderTest.
    """

    async def test_whoever_receives_a_transfer_is_told_once_and_nobody_else(self, books: PostUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, name="Bob")
        command = a_transfer(alice, bob, amount=125)
        await post(books, command)

        relayed = [await books.outbox.relay(events_max=MANY) for _ in range(2)]

        assert relayed == [2, 0]
        assert await told(books, owner(alice)) == []
        [(kind, facts)] = await told(books, owner(bob))
        assert (kind, facts["amount"], facts["currency"], facts["from"]) == ("transfer.received", 125, "USD", "Alice")
        assert (facts["wallet_id"], facts["transaction_id"]) == (str(bob.wallet_id), str(command.id))

    async def test_what_concerns_its_own_person_alone_is_told_nobody(self, books: PostUnderTest) -> None:
        alice = await a_person(books, balance=500)
        other = await a_wallet_of(books, owner(alice), name="Other")
        await post(books, a_transfer(alice, other, amount=10))
        await post(books, a_withdrawal(alice, amount=10))
        await post(books, a_withdrawal(alice, amount=10_000))

        assert await books.outbox.relay(events_max=MANY) == 4
        assert await told(books, owner(alice)) == []

    async def test_a_batch_is_as_large_as_is_asked_for_and_nothing_is_left_out(self, books: PostUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, name="Bob")
        for _ in range(5):
            await post(books, a_transfer(alice, bob, amount=1))

        relayed = [await books.outbox.relay(events_max=4) for _ in range(3)]

        assert relayed == [4, 2, 0]
        assert len(await told(books, owner(bob))) == 5

    async def test_many_who_relay_at_once_tell_everybody_once(self, books: PostUnderTest) -> None:
        alice, bob = await a_person(books, balance=500), await a_person(books, name="Bob")
        for _ in range(20):
            await post(books, a_transfer(alice, bob, amount=1))

        relayed = await asyncio.gather(*(books.outbox.relay(events_max=3) for _ in range(4)))
        while await books.outbox.relay(events_max=MANY):
            pass

        assert sum(relayed) <= 12
        assert len(await told(books, owner(bob))) == 20
        assert len(await claimed(books)) == 20

    async def test_what_changes_about_an_account_is_told_where_its_person_is_reached(
        self, books: PostUnderTest
    ) -> None:
        user = await somebody(books, phone="+41446681800")

        await books.users.change_password(user.id, "another", instead_of=None, spared=None, now=NOON)
        await books.outbox.relay(events_max=MANY)

        [delivery] = await claimed(books)
        assert (delivery.kind, delivery.channel, delivery.recipient) == ("password.changed", Channel.MAIL, user.email)

    async def test_a_change_that_is_not_made_is_not_told(self, books: PostUnderTest) -> None:
        user = await somebody(books)

        await books.users.change_password(user.id, "another", instead_of="no hash of theirs", spared=None, now=NOON)
        await books.users.change(user.id, name="Alicia", email=(user.email or "").upper())

        assert await books.outbox.relay(events_max=MANY) == 0

    async def test_a_former_address_hears_that_it_is_one_and_says_nothing_of_the_new_one(
        self, books: PostUnderTest
    ) -> None:
        user = await somebody(books)
        await books.users.change(user.id, email="new@example.org")
        await books.outbox.relay(events_max=MANY)

        [delivery] = await claimed(books)

        assert (delivery.kind, delivery.recipient) == ("address.changed", user.email)
        assert dict(delivery.facts) == {"what": "email address"}

    async def test_a_device_is_told_of_where_it_is_new(self, books: PostUnderTest) -> None:
        user = await somebody(books)
        session = a_session(user_id=user.id, device="A phone")

        await books.sessions.add(session, b"first", password_hash=None, sessions_max=9, change=new_device(session))
        await books.sessions.add(a_session(user_id=user.id), b"second", password_hash=None, sessions_max=9)
        await books.outbox.relay(events_max=MANY)

        assert await told(books, user.id) == [("device.new", {"device": "A phone"})]

    async def test_events_that_cannot_be_told_hold_up_nobody_and_still_count(self, books: PostUnderTest) -> None:
        user = await somebody(books)
        senseless: Any = {"former": user.email, "channel": ["mail"]}
        change = StateChange(kind=EventKind.ADDRESS_CHANGED, user_id=user.id, facts=senseless)
        for token in (b"first", b"second", b"third"):
            session = a_session(user_id=user.id)
            await books.sessions.add(session, token, password_hash=None, sessions_max=9, change=change)
        await books.users.change_password(user.id, "another", instead_of=None, spared=None, now=NOON)

        relayed = [await books.outbox.relay(events_max=2) for _ in range(3)]

        assert relayed == [0, 1, 0]
        assert await told(books, user.id) == [("password.changed", {})]
        assert (await books.outbox.backlog()).not_relayed == 3

    async def test_a_stolen_session_is_told_of_once(self, books: PostUnderTest) -> None:
        user = await somebody(books)
        session = a_session(user_id=user.id)
        await books.sessions.add(session, b"first", password_hash=None, sessions_max=9)
        await books.sessions.refresh(b"first", b"second", NOON, idle=LONG)

        for _ in range(2):
            await books.sessions.refresh(b"first", b"third", NOON + timedelta(minutes=1), idle=LONG)
        await books.outbox.relay(events_max=MANY)

        assert await told(books, user.id) == [("session.stolen", {})]

    async def test_people_are_sent_what_they_chose_and_security_by_mail_in_any_case(self, books: PostUnderTest) -> None:
        alice, user = await a_person(books, balance=500), await somebody(books, phone="+41446681801")
        bob = await a_wallet_of(books, user.id)
        await books.preferences.choose(
            user.id,
            {
                (NoticeKind.TRANSFER_RECEIVED, Channel.MAIL): False,
                (NoticeKind.PASSWORD_CHANGED, Channel.MAIL): False,
                (NoticeKind.PASSWORD_CHANGED, Channel.SMS): True,
            },
        )

        await post(books, a_transfer(alice, bob, amount=1))
        await books.users.change_password(user.id, "another", instead_of=None, spared=None, now=NOON)
        await books.outbox.relay(events_max=MANY)

        assert [kind for kind, _ in await told(books, user.id)] == ["password.changed", "transfer.received"]
        made = sorted((each.kind, each.channel.value) for each in await claimed(books))
        assert made == [("password.changed", "mail"), ("password.changed", "sms")]

    async def test_an_address_that_nobody_has_shown_to_be_theirs_is_sent_nothing(self, books: PostUnderTest) -> None:
        user = await somebody(books, verified=False)

        await books.users.change_password(user.id, "another", instead_of=None, spared=None, now=NOON)
        await books.outbox.relay(events_max=MANY)

        assert await claimed(books) == []
        assert len(await told(books, user.id)) == 1

    async def test_the_backlog_is_what_is_still_to_be_told(self, books: PostUnderTest) -> None:
        user = await somebody(books)
        empty = await books.outbox.backlog()
        await books.users.change_password(user.id, "another", instead_of=None, spared=None, now=NOON)

        written = await books.outbox.backlog()
        await books.outbox.relay(events_max=MANY)
        relayed = await books.outbox.backlog()
        [delivery] = await claimed(books)
        await books.deliveries.park(delivery, "It was enough.")
        parked = await books.outbox.backlog()

        counts = [(each.not_relayed, each.pending, each.parked) for each in (empty, written, relayed, parked)]
        assert counts == [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
        assert empty.oldest_seconds == parked.oldest_seconds == 0
        assert all(each.oldest_seconds >= 0 for each in (written, relayed))


class DeliveryQueueContract:
    """What every DeliveryQueue promises.

    Subclass it and provide the fixture `books`, a PostUnderTest.
    """

    async def test_a_delivery_is_taken_on_by_one_and_settled_once(self, books: PostUnderTest) -> None:
        await a_delivery(books)

        mine, others = await claimed(books, lease=LONG), await claimed(books, lease=LONG)
        settled = [await books.deliveries.settle(mine[0]) for _ in range(2)]

        assert (len(mine), others) == (1, [])
        assert settled == [True, False]
        assert (await books.outbox.backlog()).pending == 0

    async def test_no_more_are_taken_on_than_asked_for(self, books: PostUnderTest) -> None:
        for _ in range(5):
            await a_delivery(books)

        found = [len(await books.deliveries.claim(at_most=2, lease=LONG)) for _ in range(4)]

        assert found == [2, 2, 1, 0]

    async def test_many_who_claim_at_once_share_the_work(self, books: PostUnderTest) -> None:
        for _ in range(12):
            await a_delivery(books)

        shares = await asyncio.gather(*(books.deliveries.claim(at_most=5, lease=LONG) for _ in range(4)))

        ids = [delivery.id for share in shares for delivery in share]
        assert len(ids) == len(set(ids))
        ids += [delivery.id for delivery in await claimed(books, lease=LONG)]
        assert len(ids) == 12

    async def test_what_was_taken_on_by_somebody_who_died_is_made_by_another_who_alone_ends_it(
        self, books: PostUnderTest
    ) -> None:
        await a_delivery(books)
        [lost] = await claimed(books, lease=NO_TIME)

        [again] = await claimed(books, lease=LONG)

        assert (lost.tries, again.tries) == (1, 2)
        assert not await books.deliveries.settle(lost)
        assert not await books.deliveries.park(lost, "Too late.")
        assert not await books.deliveries.postpone(lost, "Too late.", pause=NO_TIME)
        assert await books.deliveries.settle(again)

    async def test_what_is_put_off_is_due_after_its_pause(self, books: PostUnderTest) -> None:
        await a_delivery(books)
        [first] = await claimed(books, lease=LONG)

        await books.deliveries.postpone(first, "Not now.", pause=NO_TIME)
        [second] = await claimed(books, lease=LONG)
        await books.deliveries.postpone(second, "Not for long.", pause=LONG)

        assert (second.id, second.tries) == (first.id, 2)
        assert await claimed(books) == []

    async def test_what_is_parked_is_listed_and_made_again_with_all_its_tries(self, books: PostUnderTest) -> None:
        user = await a_delivery(books)
        [delivery] = await claimed(books, lease=LONG)
        await books.deliveries.park(delivery, "It was enough.")

        [parked] = await books.deliveries.parked(after=None, limit=9)
        unparked = [await books.deliveries.unpark(delivery.id, an_act()) for _ in range(2)]
        [again] = await claimed(books, lease=LONG)

        assert (parked.id, parked.user_id, parked.tries, parked.last_error) == (
            delivery.id, user.id, 1, "It was enough.",
        )  # fmt: skip
        assert unparked == [None, UnparkRefusal.NOT_PARKED]
        assert await books.deliveries.parked(after=None, limit=9) == []
        assert again == replace(delivery, tries=1)
        [entry] = (await books.audit.page(AuditQuery(target_id=str(delivery.id)))).entries
        assert (entry.action, entry.user_id, entry.reason) == ("delivery.retried", user.id, "It works again.")

    async def test_what_is_not_parked_is_not_unparked(self, books: PostUnderTest) -> None:
        await a_delivery(books)
        [delivery] = await claimed(books, lease=LONG)

        assert await books.deliveries.unpark(delivery.id, an_act()) is UnparkRefusal.NOT_PARKED
        assert await books.deliveries.unpark(DeliveryId(new_id()), an_act()) is UnparkRefusal.NOT_FOUND
        assert (await books.audit.page(AuditQuery(target_id=str(delivery.id)))).entries == ()

    async def test_a_long_list_is_read_page_by_page(self, books: PostUnderTest) -> None:
        for _ in range(5):
            await a_delivery(books)
        for delivery in await claimed(books, lease=LONG):
            await books.deliveries.park(delivery, "It was enough.")

        first = await books.deliveries.parked(after=None, limit=3)
        rest = await books.deliveries.parked(after=first[-1].id, limit=3)

        ids = [each.id for each in (*first, *rest)]
        assert len(ids) == 5
        assert ids == sorted(ids, reverse=True)


class InboxContract:
    """What every Inbox promises.

    Subclass it and provide the fixture `books`, a PostUnderTest.
    """

    async def test_an_inbox_is_its_persons_alone_newest_first(self, books: PostUnderTest) -> None:
        mine, anothers = await a_delivery(books, number=3), await a_delivery(books)

        found = await page(books, mine.id)

        assert len(found) == 3
        assert [each.id for each in found] == sorted((each.id for each in found), reverse=True)
        assert not {each.id for each in found} & {each.id for each in await page(books, anothers.id)}

    async def test_it_is_read_page_by_page(self, books: PostUnderTest) -> None:
        user = await a_delivery(books, number=5)

        first = await page(books, user.id, limit=3)
        rest = await page(books, user.id, after=first[-1].id, limit=3)

        assert len({each.id for each in (*first, *rest)}) == 5

    async def test_what_is_read_is_marked_once_and_no_longer_unread(self, books: PostUnderTest) -> None:
        user = await a_delivery(books, number=3)
        newest, *others = await page(books, user.id)

        marked = [await books.inbox.mark_read(user.id, [newest.id], now=NOON) for _ in range(2)]

        assert marked == [1, 0]
        assert [each.id for each in await page(books, user.id, unread_only=True)] == [each.id for each in others]
        assert [each.read_at for each in await page(books, user.id)] == [NOON, None, None]
        assert await books.inbox.count_unread(user.id, most=9) == 2
        assert await books.inbox.count_unread(user.id, most=1) == 1

    async def test_all_is_marked_where_nothing_is_named(self, books: PostUnderTest) -> None:
        user, another = await a_delivery(books, number=3), await a_delivery(books)

        assert await books.inbox.mark_read(user.id, None, now=NOON) == 3
        assert await books.inbox.count_unread(user.id, most=9) == 0
        assert await books.inbox.count_unread(another.id, most=9) == 1

    async def test_nobody_marks_what_is_anothers(self, books: PostUnderTest) -> None:
        mine, another = await a_delivery(books), await a_delivery(books)
        [anothers] = await page(books, another.id)

        assert await books.inbox.mark_read(mine.id, [anothers.id, NotificationId(new_id())], now=NOON) == 0
        assert await books.inbox.count_unread(another.id, most=9) == 1


class PreferenceRepositoryContract:
    """What every PreferenceRepository promises.

    Subclass it and provide the fixture `books`, a PostUnderTest.
    """

    async def test_who_has_decided_nothing_has_no_choices(self, books: PostUnderTest) -> None:
        assert await books.preferences.of((await somebody(books)).id) == {}

    async def test_a_choice_stays_until_another_is_made_of_the_same(self, books: PostUnderTest) -> None:
        user, another = await somebody(books), await somebody(books)
        mail, sms = (NoticeKind.TRANSFER_RECEIVED, Channel.MAIL), (NoticeKind.DEVICE_NEW, Channel.SMS)

        await books.preferences.choose(user.id, {mail: False, sms: True})
        await books.preferences.choose(user.id, {mail: True})

        assert await books.preferences.of(user.id) == {mail: True, sms: True}
        assert await books.preferences.of(another.id) == {}


class TurnsContract:
    """What every implementation of Turns promises.

    Subclass it and provide the fixture `turns`.
    """

    async def test_of_many_at_once_one_has_its_turn(self, turns: Turns) -> None:
        taken = await asyncio.gather(*(turns.take("sweep", every=LONG) for _ in range(5)))

        assert sorted(taken) == [False, False, False, False, True]

    async def test_the_next_turn_comes_when_the_time_is_over(self, turns: Turns) -> None:
        taken = [await turns.take("sweep", every=every) for every in (LONG, LONG, NO_TIME)]

        assert taken == [True, False, True]

    async def test_other_work_has_turns_of_its_own(self, turns: Turns) -> None:
        assert [await turns.take(name, every=LONG) for name in ("sweep", "seal")] == [True, True]


def an_act() -> Act:
    """Somebody at the command line has a delivery made again."""
    return Act(id=AuditId(new_id()), actor=OPERATOR, reason="It works again.")


async def somebody(books: PostUnderTest, *, phone: str | None = None, verified: bool = True) -> User:
    """A new person, of whom nothing is to be told yet."""
    user = a_user(phone=phone, verified=verified)
    assert await books.users.add(user, "hash") is None
    await books.outbox.relay(events_max=MANY)
    return user


async def a_delivery(books: PostUnderTest, *, number: int = 1) -> User:
    """A new person who is to be sent that their password was changed, so many times."""
    user = await somebody(books)
    for _ in range(number):
        await books.users.change_password(user.id, "another", instead_of=None, spared=None, now=NOON)
    await books.outbox.relay(events_max=MANY)
    return user


async def claimed(books: PostUnderTest, *, lease: timedelta = NO_TIME) -> list[Delivery]:
    """All that is due, taken on."""
    return list(await books.deliveries.claim(at_most=MANY, lease=lease))


async def told(books: PostUnderTest, user_id: UserId) -> list[tuple[str, Facts]]:
    """What lies in somebody's inbox, newest first."""
    return [(each.kind, each.facts) for each in await page(books, user_id)]


async def page(
    books: PostUnderTest,
    user_id: UserId,
    *,
    unread_only: bool = False,
    after: NotificationId | None = None,
    limit: int = MANY,
) -> list[Notification]:
    """A page of somebody's inbox."""
    return list(await books.inbox.page(user_id, unread_only=unread_only, after=after, limit=limit))
