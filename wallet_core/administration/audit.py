"""The audit: who changed what of whom, when and why, one entry for each change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from wallet_core.ids import AuditId, SessionId, UserId

REASON_LENGTH_MAX: Final = 500
NO_REASON: Final = "None was given."
"""The reason where none has to be given and none was."""

Value: TypeAlias = "bool | int | str | list[Value] | dict[str, Value] | None"
State: TypeAlias = Mapping[str, Value]
"""What a target was or became, as far as the change was about it. Amounts are minor units, and no number has a point:
there is one way to write what a state holds."""


class ActorKind(StrEnum):
    """As what somebody changed something."""

    ADMIN = "admin"
    PERSON = "person"  # something of their own
    OPERATOR = "operator"  # by the command line
    SYSTEM = "system"  # the service by itself


class Action(StrEnum):
    """What was done. A newer build may have written others."""

    WALLET_FROZEN = "wallet.frozen"
    WALLET_UNFROZEN = "wallet.unfrozen"
    PERSON_DEACTIVATED = "person.deactivated"
    PERSON_ACTIVATED = "person.activated"
    ADMIN_ADDED = "admin.added"
    LIMITS_CHANGED = "limits.changed"
    DEPOSIT_MADE = "deposit.made"
    SESSIONS_ENDED = "sessions.ended"
    DELIVERY_RETRIED = "delivery.retried"


class TargetKind(StrEnum):
    """What it was done to. A newer build may have written others."""

    WALLET = "wallet"
    PERSON = "person"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who changes something, and in which session and request."""

    kind: ActorKind
    id: UserId | None = None
    session_id: SessionId | None = None
    request_id: str | None = None


OPERATOR: Final = Actor(kind=ActorKind.OPERATOR)
"""Whoever has the command line. Who that is, the machine knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change. `user_id` is whom it is about, where it is about somebody.

    `place` is where it stands among all entries, given when it is kept: entries of one target stand in the order in
    which their changes were made, whatever the clock said.
    """

    id: AuditId
    place: int | None = None
    at: datetime
    actor: Actor
    action: str
    target_kind: str
    target_id: str
    user_id: UserId | None = None
    before: State | None = None
    after: State | None = None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that is about to be changed: by whom and why. Its id becomes that of its entry.

    Raises ValueError for a reason that says nothing or too much.
    """

    id: AuditId
    actor: Actor
    reason: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.reason) <= REASON_LENGTH_MAX or not self.reason.strip():
            raise ValueError(f"A reason has 1 to {REASON_LENGTH_MAX} characters.")

    def entry(
        self,
        action: Action,
        at: datetime,
        *,
        target_kind: TargetKind,
        target_id: UUID,
        user_id: UserId | None,
        before: State | None = None,
        after: State | None = None,
    ) -> AuditEntry:
        """What is to be kept of it: what was done to what, and whom it is about."""
        return AuditEntry(
            id=self.id,
            at=at,
            actor=self.actor,
            action=action,
            target_kind=target_kind,
            target_id=str(target_id),
            user_id=user_id,
            before=before,
            after=after,
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries to give; None leaves that filter out.

    `made_from` is included, `made_before` is not. Only entries that stand before `before_place` are given.
    """

    actor_id: UserId | None = None
    actor_kind: ActorKind | None = None
    action: str | None = None
    target_id: str | None = None
    user_id: UserId | None = None
    made_from: datetime | None = None
    made_before: datetime | None = None
    before_place: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Entries, the one of the last place first, and before which place the next page goes on: None at the end."""

    entries: tuple[AuditEntry, ...]
    next_before: int | None


class AuditTrail(Protocol):
    """Where the audit is read. It is written by whatever makes the changes, in their own transactions.

    Every implementation passes `wallet_core.testing.contracts.AuditTrailContract`.
    """

    async def page(self, query: AuditQuery) -> AuditPage:
        """At most `query.limit` entries that pass the filter, the one of the last place first."""
        ...
