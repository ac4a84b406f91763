"""Of what happened, what is told: to whom, where, and in which words."""

from dataclasses import replace
from uuid import UUID

import pytest

from wallet_core.events.kinds import EventKind, Facts
from wallet_core.identity.changes import addresses_changed
from wallet_core.ids import TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import ADJUSTMENTS, system_wallet_id
from wallet_core.money import Currencies, Currency
from wallet_core.notifications.letters import letter_of
from wallet_core.notifications.notices import (
    SECURITY_KINDS,
    Channel,
    Happening,
    Movement,
    Notice,
    NoticeKind,
    Recipient,
    notice_of,
)
from wallet_core.notifications.preferences import Addressee, Choices, is_wanted, may_choose, recipients_of
from wallet_core.testing.builders import a_user
from wallet_core.testing.clock import NOON

ALICE, BOB = UserId(UUID(int=1)), UserId(UUID(int=2))
KNOWN = Currencies([Currency("USD", 2), Currency("JPY", 0)])
MAIL, SMS = Recipient(Channel.MAIL, "bob@example.org"), Recipient(Channel.SMS, "+41446681800")
FACTS: Facts = {
    "amount": 1250, "currency": "USD", "from": "Alice", "wallet": "Rent", "what": "email address", "device": "A phone",
    "left": 7,
}  # fmt: skip


def a_movement(kind: EventKind = EventKind.TRANSFER_COMPLETED, **changed: object) -> Happening:
    """Bob received something of Alice."""
    movement = Movement(
        transaction_id=TransactionId(UUID(int=7)),
        currency="USD",
        amount=1250,
        source_wallet_id=WalletId(UUID(int=11)),
        source_holder="Alice",
        source_user_id=ALICE,
        destination_wallet_id=WalletId(UUID(int=12)),
        destination_user_id=BOB,
    )
    return Happening(event_id=1, kind=kind, at=NOON, movement=replace(movement, **changed))  # type: ignore[arg-type]


def a_change(kind: EventKind, facts: Facts | None = None) -> Happening:
    """Something about Bob is another way."""
    return Happening(event_id=1, kind=kind, at=NOON, user_id=BOB, subject_id=UUID(int=12), facts=facts or {})


def a_notice(kind: NoticeKind) -> Notice:
    return Notice(event_id=1, kind=kind, user_id=BOB, at=NOON)


@pytest.mark.parametrize("kind", EventKind)
def test_every_event_is_told_or_is_not_and_none_is_an_error(kind: EventKind) -> None:
    for happening in (a_movement(kind), a_change(kind), Happening(event_id=1, kind=kind, at=NOON)):
        notice = notice_of(happening)

        assert notice is None or notice.user_id == BOB


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_comes_of_an_event_and_has_words(kind: NoticeKind) -> None:
    letter = letter_of(kind, FACTS, KNOWN)

    assert letter.subject
    assert letter.text
    assert len(letter.brief) <= 160
    assert kind.value in set(EventKind) or kind in (NoticeKind.TRANSFER_RECEIVED, NoticeKind.DEPOSIT_RECEIVED)


def test_an_amount_is_told_with_its_currencys_digits() -> None:
    dollars = letter_of("transfer.received", FACTS, KNOWN)
    yen = letter_of("deposit.received", {**FACTS, "currency": "JPY"}, KNOWN)

    assert (dollars.subject, yen.subject) == ("You received 12.50 USD", "You received 1250 JPY")


def test_a_currency_or_a_kind_that_is_not_known_has_no_words() -> None:
    with pytest.raises(LookupError):
        letter_of("transfer.received", {**FACTS, "currency": "XXX"}, KNOWN)
    with pytest.raises(ValueError, match="is not a valid NoticeKind"):
        letter_of("something.new", FACTS, KNOWN)


def test_only_an_admins_deposit_is_told() -> None:
    own = notice_of(a_movement(EventKind.DEPOSIT_COMPLETED, source_user_id=None))
    admins = notice_of(
        a_movement(EventKind.DEPOSIT_COMPLETED, source_user_id=None, source_wallet_id=system_wallet_id(ADJUSTMENTS))
    )

    assert own is None
    assert admins is not None
    assert admins.kind is NoticeKind.DEPOSIT_RECEIVED


def test_why_something_was_done_is_kept_from_whom_it_is_about() -> None:
    notice = notice_of(a_change(EventKind.WALLET_FROZEN, {"reason": "an inquiry", "actor": "Root"}))

    assert notice is not None
    assert dict(notice.facts) == {"wallet_id": str(UUID(int=12))}


def test_a_former_address_is_told_and_no_other() -> None:
    before = a_user(email="old@example.org", phone="+41446681801")
    after = replace(before, email="new@example.org", email_verified_at=None)
    [change] = addresses_changed(before, after)

    notice = notice_of(a_change(change.kind, change.facts))

    assert notice is not None
    addressee = Addressee(user_id=BOB, email="new@example.org", phone=None)
    assert recipients_of(notice, addressee, Channel) == [Recipient(Channel.MAIL, "old@example.org")]
    assert dict(notice.facts) == {"what": "email address"}


def test_an_address_that_stays_or_never_was_shown_to_be_theirs_is_told_nothing() -> None:
    user = a_user(email="a@example.org", phone="+41446681801")
    unverified = replace(user, email_verified_at=None, phone_verified_at=None)

    assert addresses_changed(user, replace(user, name="Alicia", email="A@example.org")) == []
    assert addresses_changed(unverified, replace(unverified, email="b@example.org", phone="+41446681802")) == []


@pytest.mark.parametrize(
    ("kind", "email", "phone", "choices", "sent_to"),
    [
        (NoticeKind.TRANSFER_RECEIVED, True, True, {}, [MAIL]),
        (NoticeKind.TRANSFER_RECEIVED, False, True, {}, []),
        (NoticeKind.TRANSFER_RECEIVED, True, True, {(NoticeKind.TRANSFER_RECEIVED, Channel.MAIL): False}, []),
        (NoticeKind.TRANSFER_RECEIVED, True, True, {(NoticeKind.TRANSFER_RECEIVED, Channel.SMS): True}, [MAIL]),
        (NoticeKind.DEVICE_NEW, True, True, {}, [MAIL]),
        (NoticeKind.DEVICE_NEW, True, True, {(NoticeKind.DEVICE_NEW, Channel.SMS): True}, [MAIL, SMS]),
        (NoticeKind.DEVICE_NEW, True, True, {(NoticeKind.DEVICE_NEW, Channel.MAIL): False}, [MAIL]),
        (NoticeKind.DEVICE_NEW, False, True, {}, [SMS]),
        (NoticeKind.DEVICE_NEW, False, True, {(NoticeKind.DEVICE_NEW, Channel.SMS): False}, [SMS]),
        (NoticeKind.DEVICE_NEW, False, False, {}, []),
    ],
)
def test_it_is_sent_where_it_is_wanted_and_security_in_any_case(
    kind: NoticeKind, email: bool, phone: bool, choices: Choices, sent_to: list[Recipient]
) -> None:
    addressee = Addressee(
        user_id=BOB,
        email=MAIL.address if email else None,
        phone=SMS.address if phone else None,
        choices=choices,
    )

    assert list(recipients_of(a_notice(kind), addressee, Channel)) == sent_to
    assert list(recipients_of(a_notice(kind), addressee, ())) == []


def test_what_may_be_chosen_is_what_counts() -> None:
    for kind in NoticeKind:
        for channel in Channel:
            for wanted in (True, False):
                counts = is_wanted(kind, channel, {(kind, channel): wanted}) is wanted

                assert counts is may_choose(kind, channel, wanted=wanted)
    assert all(is_wanted(kind, Channel.MAIL, {(kind, Channel.MAIL): False}) for kind in SECURITY_KINDS)


def test_nothing_of_it_shows_whom_it_is_for() -> None:
    assert "example.org" not in repr(MAIL)
    assert "a phone" not in repr(replace(a_notice(NoticeKind.DEVICE_NEW), facts={"device": "a phone"}))
