"""What people want to be sent, and where it goes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from wallet_core.ids import UserId
from wallet_core.notifications.notices import SECURITY_KINDS, Channel, Notice, NoticeKind, Recipient

Choice: TypeAlias = tuple[NoticeKind, Channel]
Choices: TypeAlias = Mapping[Choice, bool]
"""What a person has decided; anything else is as `is_wanted` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Somebody who is told something: the addresses that were shown to be theirs, and what they decided."""

    user_id: UserId
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    choices: Choices = field(default_factory=dict)


class PreferenceRepository(Protocol):
    """Where people's choices are kept. All methods raise Unavailable, and what changes something OutcomeUnknown.

    Every implementation passes `wallet_core.testing.contracts.PreferenceRepositoryContract`.
    """

    async def of(self, user_id: UserId) -> Choices:
        """What that person has decided."""
        ...

    async def choose(self, user_id: UserId, choices: Choices) -> None:
        """Keep those choices; the others stay as they are."""
        ...


def may_choose(kind: NoticeKind, channel: Channel, *, wanted: bool) -> bool:
    """Whether people may decide so. Mail about security stays on, and text messages are about security alone."""
    match channel:
        case Channel.MAIL:
            return wanted or kind not in SECURITY_KINDS
        case Channel.SMS:
            return not wanted or kind in SECURITY_KINDS


def is_wanted(kind: NoticeKind, channel: Channel, choices: Choices) -> bool:
    """Whether it is sent that way: mail unless it was turned off, text messages only where they were asked for."""
    wanted = choices.get((kind, channel), channel is Channel.MAIL)
    return wanted if may_choose(kind, channel, wanted=wanted) else not wanted


def recipients_of(notice: Notice, addressee: Addressee, channels: Collection[Channel]) -> Sequence[Recipient]:
    """Where it is sent to by the channels that there are: nowhere, where the person has no address that was shown to be
    theirs.

    What concerns security goes to the phone of whoever has no such email address, whether or not they asked for it.
    """
    return [recipient for recipient in _wanted(notice, addressee) if recipient.channel in channels]


def _wanted(notice: Notice, addressee: Addressee) -> Sequence[Recipient]:
    if notice.only_to is not None:
        return (notice.only_to,)
    found: list[Recipient] = []
    if addressee.email is not None and is_wanted(notice.kind, Channel.MAIL, addressee.choices):
        found.append(Recipient(Channel.MAIL, addressee.email))
    if addressee.phone is not None and notice.kind in SECURITY_KINDS:
        asked_for = is_wanted(notice.kind, Channel.SMS, addressee.choices)
        if asked_for or addressee.email is None:
            found.append(Recipient(Channel.SMS, addressee.phone))
    return found
