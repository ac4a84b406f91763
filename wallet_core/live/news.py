"""What somebody has not been told yet, given how far they were told and how things stand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from typing import Final, TypeAlias

from wallet_core.ids import AccountId, NotificationId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.statements import StatementLine
from wallet_core.live.position import Place, Position, mark_of, moment_of
from wallet_core.notifications.inbox import Notification

LINES_MAX: Final = 100
"""So many entries of an account are told to somebody who comes back. Of what is older they read themselves."""
NOTIFICATIONS_MAX: Final = 500
"""So many of somebody's newest notifications are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand with somebody: their accounts, and the notifications that are new enough to matter."""

    accounts: Sequence[Account] = ()
    notification_ids: Sequence[NotificationId] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Entries of an account: those after `after`, up to `upto`."""

    account_id: AccountId
    after: int
    upto: int

    @property
    def length(self) -> int:
        """How many they are."""
        return self.upto - self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """A line of somebody's history, and the number of the entry in the account that it moved."""

    account_id: AccountId
    seq: int
    line: StatementLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """Nothing yet: from here on everything is told."""

    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """More has happened than is told here, or other things than were told: read what you keep anew."""

    wallet_ids: Sequence[WalletId]
    """Of these the history."""
    inbox: bool
    """Whether the inbox too."""
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A movement of one of the accounts."""

    line: StatementLine
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceIs:
    """What an account holds, once all its movements were told."""

    account: Account
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that came into the inbox."""

    notification: Notification
    position: Position


LiveEvent: TypeAlias = Began | Reset | Moved | BalanceIs | Told
"""`position` is how far somebody was told who was told this too."""


def position_at(standing: Standing) -> Position:
    """The position of somebody who begins now: of all that was they are told the balances."""
    places = {mark_of(account.id): Place(account.version, balance_due=True) for account in standing.accounts}
    moment_ms = max(map(moment_of, standing.notification_ids), default=0)
    position = Position(places=places, moment_ms=moment_ms)
    recent = sorted(each for each in standing.notification_ids if each > position.notifications_after)
    return replace(position, recent=tuple(map(mark_of, recent)))


def is_behind(position: Position, standing: Standing) -> bool:
    """Whether there is anything that somebody was not told yet."""
    return any(_is_behind(position.place_of(each), each) for each in standing.accounts) or bool(
        new_notifications(position, standing)
    )


def _is_behind(place: Place | None, account: Account) -> bool:
    return place is None or place.seq != account.version or place.balance_due or place.held not in (None, account.held)


def spans_of(position: Position, standing: Standing) -> list[Span]:
    """The entries that somebody is to be told of, the newest LINES_MAX of each account."""
    spans = []
    for account in standing.accounts:
        place = position.place_of(account)
        if place is not None and place.seq < account.version:
            after = max(place.seq, account.version - LINES_MAX)
            spans.append(Span(account_id=account.id, after=after, upto=account.version))
    return spans


def new_notifications(position: Position, standing: Standing) -> list[NotificationId]:
    """The notifications that somebody is to be told of."""
    after, told = position.notifications_after, set(position.recent)
    return [each for each in standing.notification_ids if each > after and mark_of(each) not in told]


def news(
    position: Position,
    standing: Standing,
    lines: Mapping[AccountId, Sequence[AccountLine]],
    notifications: Sequence[Notification],
) -> Iterator[LiveEvent]:
    """What somebody is to be told, in an order in which each account's entries are and the balance follows them.

    `lines` are those of `spans_of` at least, by account and in order, `notifications` those of `new_notifications`.
    """
    position, lost = _caught_up(position, standing)
    inbox_lost = len(notifications) >= NOTIFICATIONS_MAX
    if lost or inbox_lost:
        yield Reset(wallet_ids=lost, inbox=inbox_lost, position=position)
    by_id = {account.id: account for account in standing.accounts}
    # Each account's lines are in order by themselves; `merge` only says how they go together.
    for each in merge(*_due(position, standing, lines), key=lambda line: line.line.transaction.created_at):
        position = position.told(by_id[each.account_id], Place(each.seq, balance_due=True))
        yield Moved(line=each.line, position=position)
    for account in standing.accounts:
        place = position.place_of(account)
        if place is not None and (place.balance_due or place.held not in (None, account.held)):
            position = position.told(account, Place(account.version, held=account.held))
            yield BalanceIs(account=account, position=position)
    for notification in notifications:
        position = position.notified(notification.id)
        yield Told(notification=notification, position=position)


def _caught_up(position: Position, standing: Standing) -> tuple[Position, list[WalletId]]:
    """The position from which the lines are there, and the wallets of which more has happened than those tell.

    A place behind the account's end is of books that are no longer these: they were restored from a backup.
    """
    lost: dict[WalletId, None] = {}
    for account in standing.accounts:
        place = position.place_of(account)
        seq = account.version if place is None else max(place.seq, account.version - LINES_MAX)
        if place is None or place.seq > account.version:
            position = position.told(account, Place(account.version, balance_due=True))
            lost[account.wallet_id] = None
        elif seq > place.seq:
            position = position.told(account, Place(seq, balance_due=True))
            lost[account.wallet_id] = None
    return replace(position, is_whole=True), list(lost)


def _due(
    position: Position, standing: Standing, lines: Mapping[AccountId, Sequence[AccountLine]]
) -> Iterator[list[AccountLine]]:
    for account in standing.accounts:
        place = position.place_of(account)
        if place is not None:
            yield [each for each in lines.get(account.id, ()) if place.seq < each.seq <= account.version]
