"""Messages on their way, in memory: within bounds, tried again, and nobody waits for them."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Final

import pytest

from wallet_core.faults import Overloaded, Unavailable
from wallet_core.notifications.background import BackgroundJobs
from wallet_core.notifications.delivery import CourierByChannel, NoCourier, QueuedNotifier
from wallet_core.notifications.letters import signup_refused
from wallet_core.notifications.messages import Message, Received, Sms
from wallet_core.notifications.ports import Undeliverable
from wallet_core.notifications.post import Post
from wallet_core.testing.builders import a_user, new_id
from wallet_core.testing.clock import NOON
from wallet_core.testing.contracts import CourierContract, MailboxContract, NotifierContract
from wallet_core.testing.contracts.notifications import a_mail
from wallet_core.testing.notifications import HeldJobs, InMemoryMailbox, PlainStationery, RecordingNotifier

SMS: Final = Sms(to="+41446681800", body="Some words.")
_asked_by: ContextVar[str] = ContextVar("asked_by", default="nobody")


@pytest.fixture
def reports() -> list[Exception]:
    return []


@pytest.fixture
async def jobs(reports: list[Exception]) -> AsyncIterator[BackgroundJobs]:
    jobs = BackgroundJobs(reports.append, at_once=2, waiting_max=3, seconds_max=0.2)
    yield jobs
    await jobs.close(seconds=0)


class TestInMemoryMailbox(CourierContract, MailboxContract):
    @pytest.fixture
    def courier(self) -> InMemoryMailbox:
        return InMemoryMailbox(kept_max=self.kept_max)

    @pytest.fixture
    def mailbox(self, courier: InMemoryMailbox) -> InMemoryMailbox:
        return courier

    @pytest.fixture
    def arrived(self, courier: InMemoryMailbox) -> InMemoryMailbox:
        return courier

    @pytest.fixture
    def unreachable_courier(self) -> InMemoryMailbox:
        mailbox = InMemoryMailbox()
        mailbox.fault = Unavailable("It is shut.")
        return mailbox


class TestQueuedNotifier(NotifierContract):
    @pytest.fixture
    def arrived(self) -> InMemoryMailbox:
        return InMemoryMailbox()

    @pytest.fixture
    async def notifier(self, arrived: InMemoryMailbox, reports: list[Exception]) -> AsyncIterator[QueuedNotifier]:
        jobs = BackgroundJobs(reports.append)
        yield QueuedNotifier(arrived, jobs)
        await jobs.close(seconds=1)


class _Sent:
    """A Mailbox that shows what a RecordingNotifier was sent."""

    def __init__(self, notifier: RecordingNotifier) -> None:
        self._notifier = notifier

    async def newest(self, number: int, *, to: str | None = None) -> list[Received]:
        sent = [message for message in reversed(self._notifier.sent) if to in (None, message.to)]
        return [Received(id=new_id(), message=message, received_at=NOON) for message in sent[:number]]


class TestRecordingNotifier(NotifierContract):
    @pytest.fixture
    def notifier(self) -> RecordingNotifier:
        return RecordingNotifier()

    @pytest.fixture
    def arrived(self, notifier: RecordingNotifier) -> _Sent:
        return _Sent(notifier)


async def test_no_more_wait_than_may_and_the_refused_are_counted_and_reported(
    jobs: BackgroundJobs, reports: list[Exception]
) -> None:
    done: list[int] = []
    gate = asyncio.Event()

    async def job(number: int) -> None:
        await gate.wait()
        done.append(number)

    started = [jobs.start(partial(job, number)) for number in range(7)]
    gate.set()
    dropped = await jobs.close(seconds=1)

    assert started == [True] * 5 + [False] * 2
    assert (sorted(done), dropped) == ([0, 1, 2, 3, 4], 0)
    assert jobs.refused == 2
    assert [type(report) for report in reports] == [Overloaded, Overloaded]


async def test_a_job_that_fails_or_hangs_is_reported_and_stops_no_other(
    jobs: BackgroundJobs, reports: list[Exception]
) -> None:
    done = asyncio.Event()

    async def fail() -> None:
        raise ValueError("as it happens")

    async def hang() -> None:
        await asyncio.Event().wait()

    async def succeed() -> None:
        done.set()

    for job in (fail, hang, hang, succeed):
        jobs.start(job)
    await asyncio.wait_for(done.wait(), 5)
    await jobs.close(seconds=1)

    assert [type(report) for report in reports] == [ValueError, TimeoutError, TimeoutError]
    assert jobs.failed == 3


async def test_a_job_runs_in_a_context_of_its_own(jobs: BackgroundJobs) -> None:
    seen: list[str] = []

    async def look() -> None:
        seen.append(_asked_by.get())

    token = _asked_by.set("somebody")
    jobs.start(look)
    await jobs.close(seconds=1)
    _asked_by.reset(token)

    assert seen == ["nobody"]


async def test_what_is_not_done_in_the_end_is_dropped_and_nothing_more_is_taken(
    reports: list[Exception],
) -> None:
    jobs = BackgroundJobs(reports.append, at_once=1)

    async def hang() -> None:
        await asyncio.Event().wait()

    for _ in range(3):
        jobs.start(hang)
    dropped = await jobs.close(seconds=0.05)

    assert dropped == 3
    assert not jobs.start(hang)


class _Unsteady:
    """A Courier that fails as told, call by call, and then delivers."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.calls = 0
        self.delivered: list[Message] = []

    async def deliver(self, message: Message) -> None:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        self.delivered.append(message)


async def _sent_by(courier: _Unsteady) -> tuple[QueuedNotifier, Exception | None]:
    held = HeldJobs()
    notifier = QueuedNotifier(courier, held, pauses_seconds=(0.0, 0.0), seconds_max=0.05)
    notifier.send(a_mail())
    try:
        await held.finish()
    except (Unavailable, Undeliverable) as error:
        return notifier, error
    return notifier, None


async def test_a_delivery_that_may_be_tried_again_is_and_no_more_than_twice() -> None:
    soon, never = _Unsteady(*[Unavailable("busy")] * 2), _Unsteady(*[Unavailable("busy")] * 9)

    notifier, fault = await _sent_by(soon)
    _, last = await _sent_by(never)

    assert (soon.delivered, soon.calls, fault, notifier.delivered) == ([a_mail()], 3, None, 1)
    assert never.calls == 3
    assert isinstance(last, Unavailable)


async def test_a_delivery_that_cannot_be_made_is_not_tried_again() -> None:
    courier = _Unsteady(Undeliverable("There is no such address."))

    _, fault = await _sent_by(courier)

    assert courier.calls == 1
    assert isinstance(fault, Undeliverable)


async def test_a_courier_that_hangs_is_left_alone_after_a_while() -> None:
    class Hanging(_Unsteady):
        async def deliver(self, message: Message) -> None:
            self.calls += 1
            await asyncio.Event().wait()

    courier = Hanging()

    _, fault = await asyncio.wait_for(_sent_by(courier), 5)

    assert courier.calls == 3
    assert isinstance(fault, Unavailable)


async def test_mail_and_text_messages_go_their_own_ways() -> None:
    mail, sms = InMemoryMailbox(), InMemoryMailbox()
    courier = CourierByChannel(mail=mail, sms=sms)

    await courier.deliver(a_mail())
    await courier.deliver(SMS)

    assert [each.message for each in await mail.newest(9)] == [a_mail()]
    assert [each.message for each in await sms.newest(9)] == [SMS]


async def test_without_a_courier_nothing_reaches_anybody() -> None:
    with pytest.raises(Undeliverable):
        await NoCourier().deliver(SMS)


def test_a_message_shows_neither_whom_it_is_for_nor_what_it_says() -> None:
    shown = repr(a_mail(body="A secret.")) + repr(SMS)

    assert not any(word in shown for word in ("alice", "secret", "words", "+41"))


@pytest.mark.parametrize(
    ("has_email", "email_verified", "phone_verified", "told"),
    [
        (True, True, True, "alice@example.org"),
        (True, True, False, "alice@example.org"),
        (True, False, True, "+41446681800"),
        (False, False, True, "+41446681800"),
        (True, False, False, None),
        (False, False, False, None),
    ],
)
def test_a_person_is_told_where_they_are_sure_to_read_it(
    has_email: bool, email_verified: bool, phone_verified: bool, told: str | None
) -> None:
    notifier = RecordingNotifier()
    person = replace(
        a_user(email="alice@example.org" if has_email else None, phone="+41446681800", verified=False),
        email_verified_at=NOON if email_verified else None,
        phone_verified_at=NOON if phone_verified else None,
    )

    Post(notifier, PlainStationery()).to_person(person, signup_refused())

    assert [message.to for message in notifier.sent] == ([] if told is None else [told])
