"""What everybody who has a hand in sending messages promises."""

import asyncio
from uuid import UUID

from wallet_core.faults import Unavailable
from wallet_core.notifications.letters import recovery_code_used, second_factor_on, transfer_received
from wallet_core.notifications.messages import Mail, Message
from wallet_core.notifications.ports import Courier, Mailbox, Notifier, Undeliverable
from wallet_core.notifications.post import Stationery

SECONDS_MAX = 5.0


def a_mail(to: str = "alice@example.org", subject: str = "A subject", body: str = "Some words.\n") -> Mail:
    """A letter."""
    return Mail(to=to, subject=subject, body=body)


class NotifierContract:
    """What every Notifier promises.

    Subclass it and provide the fixtures `notifier`, and `arrived`: a Mailbox into which all that it sends comes.
    """

    async def test_what_is_sent_arrives_once_and_as_it_was(self, notifier: Notifier, arrived: Mailbox) -> None:
        mails = [a_mail(f"person-{number}@example.org", f"Number {number}") for number in range(5)]

        for mail in mails:
            notifier.send(mail)

        found = await _arrived(arrived, len(mails))
        assert sorted(found, key=lambda message: message.to) == mails

    async def test_sending_waits_for_nobody(self, notifier: Notifier, arrived: Mailbox) -> None:
        notifier.send(a_mail())

        # No other task had a turn in between.
        assert len(await _arrived(arrived, 1)) == 1


class CourierContract:
    """What every Courier promises.

    Subclass it and provide the fixtures `courier`; `arrived`, a Mailbox that shows what it delivered;
    `unreachable_courier`, whose way is blocked for now.
    """

    async def test_a_mail_arrives_as_it_was_written(self, courier: Courier, arrived: Mailbox) -> None:
        mail = a_mail(
            subject="Gr\u00fc\u00dfe \N{HOT BEVERAGE}",
            body="A line.\n\n.\nFrom here on: <b>\u00e9t\u00e9</b>\n" + "long " * 400 + "\n",
        )

        await courier.deliver(mail)

        assert await _arrived(arrived, 1) == [mail]

    async def test_each_mail_arrives_at_its_own_address(self, courier: Courier, arrived: Mailbox) -> None:
        alice, bob = a_mail("alice@example.org", body="Alice\n"), a_mail("bob@example.org", body="Bob\n")

        await asyncio.gather(courier.deliver(alice), courier.deliver(bob))

        assert [each.message for each in await arrived.newest(9, to="alice@example.org")] == [alice]
        assert [each.message for each in await arrived.newest(9, to="bob@example.org")] == [bob]

    async def test_a_way_that_is_blocked_is_unavailable_and_names_nobody(self, unreachable_courier: Courier) -> None:
        fault = None
        try:
            await unreachable_courier.deliver(a_mail(body="A secret.\n"))
        except (Unavailable, Undeliverable) as error:
            fault = error

        assert isinstance(fault, Unavailable)
        assert "alice" not in repr(fault)
        assert "secret" not in repr(fault)


class MailboxContract:
    """What every Mailbox promises.

    Subclass it and provide the fixtures `mailbox`, and `courier`, which delivers into it; it keeps `kept_max` messages.
    """

    kept_max = 5

    async def test_an_empty_one_holds_nothing(self, mailbox: Mailbox) -> None:
        assert await mailbox.newest(10) == []

    async def test_messages_are_read_newest_first_and_no_more_than_asked_for(
        self, mailbox: Mailbox, courier: Courier
    ) -> None:
        for number in range(4):
            await courier.deliver(a_mail(subject=f"Number {number}"))

        found = await mailbox.newest(3)

        assert [_subject(each.message) for each in found] == ["Number 3", "Number 2", "Number 1"]
        assert len({each.id for each in found}) == 3
        assert all(each.received_at.tzinfo is not None for each in found)

    async def test_one_address_is_told_from_another_in_any_case_of_letters(
        self, mailbox: Mailbox, courier: Courier
    ) -> None:
        await courier.deliver(a_mail("Alice@example.org"))
        await courier.deliver(a_mail("alice2@example.org"))

        found = await mailbox.newest(10, to="aLICE@example.org")

        assert [each.message.to for each in found] == ["Alice@example.org"]
        assert await mailbox.newest(10, to="nobody@example.org") == []

    async def test_the_oldest_make_room(self, mailbox: Mailbox, courier: Courier) -> None:
        for number in range(self.kept_max + 3):
            await courier.deliver(a_mail(subject=f"Number {number}"))

        found = await mailbox.newest(100)

        assert len(found) == self.kept_max
        assert _subject(found[0].message) == f"Number {self.kept_max + 2}"


class StationeryContract:
    """What every Stationery promises.

    Subclass it and provide the fixture `stationery`.
    """

    def test_a_letter_is_the_same_in_plain_text_and_in_html(self, stationery: Stationery) -> None:
        mail = stationery.mail(recovery_code_used(7), to="alice@example.org")

        assert (mail.to, mail.subject) == ("alice@example.org", "A recovery code for Wallet was used")
        assert "You have 7 left" in mail.body
        assert mail.html is not None
        assert "You have 7 left" in mail.html

    def test_what_people_call_themselves_is_text_and_nothing_else(self, stationery: Stationery) -> None:
        mail = stationery.mail(transfer_received("1.00 USD", "<script>alert('&')</script>"), to="alice@example.org")

        assert "<script>alert('&')</script> sent you 1.00 USD" in mail.body
        assert mail.html is not None
        assert "<script" not in mail.html
        assert "&lt;script&gt;" in mail.html

    def test_nobody_who_calls_themselves_a_link_becomes_one(self, stationery: Stationery) -> None:
        mail = stationery.mail(transfer_received("1.00 USD", "https://evil.example/x"), to="alice@example.org")

        assert "https://evil.example/x sent you 1.00 USD" in mail.body
        assert mail.html is not None
        assert "<a " not in mail.html

    def test_a_mail_keeps_its_reference(self, stationery: Stationery) -> None:
        reference = UUID(int=7)

        assert stationery.mail(second_factor_on(), to="alice@example.org", reference=reference).reference == reference


def _subject(message: Message) -> str:
    assert isinstance(message, Mail)
    return message.subject


async def _arrived(mailbox: Mailbox, number: int) -> list[Message]:
    """What has arrived, once it is that much."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            found = await mailbox.newest(number + 1)
            if len(found) >= number:
                return [each.message for each in found]
            await asyncio.sleep(0.01)
