"""What happens that others may have to hear of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from wallet_core.ids import UserId

Facts: TypeAlias = Mapping[str, str | int]
"""What there is to say of something, by name. Never a secret: it is kept."""


class EventKind(StrEnum):
    """Everything that is relayed. What a newer build writes besides waits until that build's worker takes it."""

    DEPOSIT_COMPLETED = "deposit.completed"
    DEPOSIT_FAILED = "deposit.failed"
    DEPOSIT_EXPIRED = "deposit.expired"
    WITHDRAW_COMPLETED = "withdraw.completed"
    WITHDRAW_FAILED = "withdraw.failed"
    WITHDRAW_EXPIRED = "withdraw.expired"
    TRANSFER_COMPLETED = "transfer.completed"
    TRANSFER_FAILED = "transfer.failed"
    TRANSFER_EXPIRED = "transfer.expired"
    WALLET_FROZEN = "wallet.frozen"
    WALLET_UNFROZEN = "wallet.unfrozen"
    PERSON_DEACTIVATED = "person.deactivated"
    PERSON_ACTIVATED = "person.activated"
    LIMITS_CHANGED = "limits.changed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - a kind of event, no password
    ADDRESS_CHANGED = "address.changed"
    DEVICE_NEW = "device.new"
    SESSION_STOLEN = "session.stolen"
    SECOND_FACTOR_ON = "second_factor.on"
    SECOND_FACTOR_OFF = "second_factor.off"
    RECOVERY_CODE_USED = "recovery_code.used"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """Something about a person that is another way now. A movement's event is told by its transaction instead.

    `subject_id` is the wallet, session or factor that it is about, where it is about one. Repositories that take one
    keep it in the transaction of the change itself, and not at all where nothing changed.
    """

    kind: EventKind
    user_id: UserId
    subject_id: UUID | None = None
    facts: Facts = field(default_factory=dict, repr=False)
