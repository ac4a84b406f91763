"""Of what happened, what is told, and to whom."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from wallet_core.events.kinds import EventKind, Facts
from wallet_core.ids import TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import ADJUSTMENTS, system_wallet_id


class NoticeKind(StrEnum):
    """What people are told of."""

    TRANSFER_RECEIVED = "transfer.received"
    DEPOSIT_RECEIVED = "deposit.received"
    WALLET_FROZEN = "wallet.frozen"
    WALLET_UNFROZEN = "wallet.unfrozen"
    PERSON_DEACTIVATED = "person.deactivated"
    PERSON_ACTIVATED = "person.activated"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - a kind of notice, no password
    ADDRESS_CHANGED = "address.changed"
    DEVICE_NEW = "device.new"
    SESSION_STOLEN = "session.stolen"
    SECOND_FACTOR_ON = "second_factor.on"
    SECOND_FACTOR_OFF = "second_factor.off"
    RECOVERY_CODE_USED = "recovery_code.used"


SECURITY_KINDS: Final = frozenset(
    {
        NoticeKind.PASSWORD_CHANGED,
        NoticeKind.ADDRESS_CHANGED,
        NoticeKind.DEVICE_NEW,
        NoticeKind.SESSION_STOLEN,
        NoticeKind.SECOND_FACTOR_ON,
        NoticeKind.SECOND_FACTOR_OFF,
        NoticeKind.RECOVERY_CODE_USED,
    }
)
"""What somebody has to hear of who has another in their account."""


class Channel(StrEnum):
    """How something is sent."""

    MAIL = "mail"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where something is sent to: an email address or a phone number (E.164)."""

    channel: Channel
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What an event's transaction has to say of it. `amount` is in minor units."""

    transaction_id: TransactionId
    currency: str
    amount: int
    source_wallet_id: WalletId | None
    source_holder: str | None
    source_user_id: UserId | None
    destination_wallet_id: WalletId | None
    destination_user_id: UserId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event as it is relayed: of a movement, or of a person."""

    event_id: int
    kind: EventKind
    at: datetime
    movement: Movement | None = None
    user_id: UserId | None = None
    subject_id: UUID | None = None
    subject_name: str | None = None
    """Of the wallet that it is about, where it is about one."""
    facts: Facts = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that one person is told, once."""

    event_id: int
    kind: NoticeKind
    user_id: UserId
    at: datetime
    facts: Facts = field(default_factory=dict, repr=False)
    only_to: Recipient | None = None
    """Where it is sent to in place of where the person is reached now."""


_AS_IT_IS: Final = {EventKind(kind.value): kind for kind in NoticeKind if kind.value in set(EventKind)}


def notice_of(happening: Happening) -> Notice | None:
    """What somebody is told of it; of most that happens nobody is."""
    match happening.kind:
        case EventKind.TRANSFER_COMPLETED | EventKind.DEPOSIT_COMPLETED:
            return _notice_of_movement(happening)
        case (
            EventKind.DEPOSIT_FAILED
            | EventKind.DEPOSIT_EXPIRED
            | EventKind.WITHDRAW_COMPLETED
            | EventKind.WITHDRAW_FAILED
            | EventKind.WITHDRAW_EXPIRED
            | EventKind.TRANSFER_FAILED
            | EventKind.TRANSFER_EXPIRED
            | EventKind.LIMITS_CHANGED
        ):
            return None
        case (
            EventKind.WALLET_FROZEN
            | EventKind.WALLET_UNFROZEN
            | EventKind.PERSON_DEACTIVATED
            | EventKind.PERSON_ACTIVATED
            | EventKind.PASSWORD_CHANGED
            | EventKind.ADDRESS_CHANGED
            | EventKind.DEVICE_NEW
            | EventKind.SESSION_STOLEN
            | EventKind.SECOND_FACTOR_ON
            | EventKind.SECOND_FACTOR_OFF
            | EventKind.RECOVERY_CODE_USED
        ):
            return _notice_of_change(happening)
    assert_never(happening.kind)


def _notice_of_movement(happening: Happening) -> Notice | None:
    movement = happening.movement
    if movement is None or movement.destination_user_id is None:
        return None
    if happening.kind is EventKind.DEPOSIT_COMPLETED and movement.source_wallet_id != system_wallet_id(ADJUSTMENTS):
        return None  # whoever added the money has seen it arrive
    if movement.source_user_id == movement.destination_user_id:
        return None  # from one of their wallets to another
    facts: dict[str, str | int] = {
        "transaction_id": str(movement.transaction_id),
        "wallet_id": str(movement.destination_wallet_id),
        "amount": movement.amount,
        "currency": movement.currency,
    }
    if happening.kind is EventKind.DEPOSIT_COMPLETED:
        kind = NoticeKind.DEPOSIT_RECEIVED
    else:
        kind = NoticeKind.TRANSFER_RECEIVED
        facts["from"] = movement.source_holder or ""
    return Notice(
        event_id=happening.event_id, kind=kind, user_id=movement.destination_user_id, at=happening.at, facts=facts
    )


def _notice_of_change(happening: Happening) -> Notice | None:
    if happening.user_id is None:
        return None
    facts = {name: happening.facts[name] for name in _TOLD_FACTS if name in happening.facts}
    if happening.kind in (EventKind.WALLET_FROZEN, EventKind.WALLET_UNFROZEN):
        facts["wallet_id"] = str(happening.subject_id)
        if happening.subject_name is not None:
            facts["wallet"] = happening.subject_name
    return Notice(
        event_id=happening.event_id,
        kind=_AS_IT_IS[happening.kind],
        user_id=happening.user_id,
        at=happening.at,
        facts=facts,
        only_to=_former_address(happening.facts) if happening.kind is EventKind.ADDRESS_CHANGED else None,
    )


_TOLD_FACTS: Final = ("what", "device", "left")
"""What of an event's facts is the business of whom it is about. Why an admin did something is not, say."""


def _former_address(facts: Facts) -> Recipient | None:
    """The address that is theirs no longer: whoever made it another one reads what is sent to that."""
    former, channel = facts.get("former"), facts.get("channel")
    if not isinstance(former, str) or channel not in set(Channel):
        return None
    return Recipient(Channel(channel), former)
