"""The decision: may this money move? Pure, so that memory, PostgreSQL and a property test all decide alike."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar, assert_never

from wallet_core.clock import date_in
from wallet_core.ledger.accounts import BALANCE_MAX, HOLDING_MAX, Account, AccountStatus
from wallet_core.ledger.commands import Adjustment, Command, Deposit, Transfer, Withdraw
from wallet_core.ledger.limits import Limit, WindowUse
from wallet_core.ledger.outcomes import (
    Declined,
    Details,
    Entry,
    Outcome,
    Posted,
    Reason,
    Side,
    Transaction,
    TransactionStatus,
    settled_outcome,
)
from wallet_core.ledger.state import LockedState

Own = TypeVar("Own", bound=Account)
Other = TypeVar("Other", bound=Account | None)


def decide_batch(commands: Sequence[Command], state: LockedState, now: datetime) -> list[Outcome]:
    """Decide in arrival order, each command seeing the effects of those before it."""
    outcomes: list[Outcome] = []
    for command in commands:
        outcome = decide(command, state, now)
        state.apply(outcome)
        outcomes.append(outcome)
    return outcomes


def decide(command: Command, state: LockedState, now: datetime) -> Outcome:
    """Whether the command may move money, judged on a locked state at the moment `now`.

    A key that is settled already gives its first outcome again. Everything else is judged by the rules in the order
    of `Reason`; the first that is broken declines the command.
    """
    earlier = state.settled(command)
    if earlier is not None:
        if earlier.fingerprint != command.fingerprint:
            return Declined(reason=Reason.IDEMPOTENCY_KEY_REUSED)
        return settled_outcome(earlier)
    own = state.account(command.own)
    if own is None or (own.user_id != command.user_id and not _is_adjusted(command, own)):
        return Declined(reason=_why_not_own(command, state))
    if command.own == command.other:
        return Declined(reason=Reason.SAME_WALLET)
    other = state.account(command.other)
    limit = state.limit(command)
    limit = None if limit is None else limit.at(now)
    if other is None:
        refusal = _own_refusal(own) or _absence(command, state)
        return _declined(command, own, None, limit, refusal, now)
    source, destination = _ends(command, own, other)
    broken = (
        _own_refusal(own)
        or _other_refusal(command, other)
        or _funds_refusal(command, source)
        or _limit_refusal(command, limit)
        or _size_refusal(command, source, destination)
    )
    if broken is not None:
        return _declined(command, own, other, limit, broken, now)
    return _posted(command, source, destination, limit, now)


def _is_adjusted(command: Command, account: Account) -> bool:
    """Whether it is one of those that are not the asker's own and are theirs to credit: any person's."""
    return isinstance(command, Adjustment) and account.user_id is not None


def _why_not_own(command: Command, state: LockedState) -> Reason:
    """A wallet that is somebody else's is as unknown as one that does not exist."""
    owner = state.owner(command.wallet_id)
    known = owner == command.user_id or (isinstance(command, Adjustment) and owner is not None)
    return Reason.CURRENCY_NOT_HELD if known else Reason.WALLET_NOT_FOUND


_Refusal: TypeAlias = tuple[Reason, Details]


def _own_refusal(own: Account) -> _Refusal | None:
    """The refusal that the standing of the person's own account asks for."""
    match own.status:
        case AccountStatus.ACTIVE:
            return None
        case AccountStatus.FROZEN:
            return Reason.WALLET_FROZEN, {}
        case AccountStatus.DEACTIVATED:
            return Reason.ACCOUNT_DEACTIVATED, {}
    assert_never(own.status)


def _absence(command: Command, state: LockedState) -> _Refusal:
    """Why there is no account on the other side: no such wallet, or none in this currency."""
    known = isinstance(command, Transfer) and state.owner(command.to_wallet_id) is not None
    return (Reason.CURRENCY_MISMATCH if known else Reason.RECIPIENT_UNAVAILABLE), {}


def _other_refusal(command: Command, other: Account) -> _Refusal | None:
    """A recipient who may not receive; why is not the sender's to know. People cannot send to the system's wallets."""
    if other.status is not AccountStatus.ACTIVE or (isinstance(command, Transfer) and other.user_id is None):
        return Reason.RECIPIENT_UNAVAILABLE, {}
    return None


def _funds_refusal(command: Command, source: Account) -> _Refusal | None:
    """Only the system's accounts may go below zero."""
    if source.user_id is not None and source.available < command.amount:
        return Reason.INSUFFICIENT_FUNDS, {}
    return None


def _limit_refusal(command: Command, limit: Limit | None) -> _Refusal | None:
    """A movement that would lift the day's or the month's use above its maximum."""
    if command.limit_kind is None:
        return None
    if limit is None:
        # Nobody granted this person anything in this currency.
        return Reason.LIMIT_EXCEEDED, {"kind": command.limit_kind, "limit": 0, "used": 0, "remaining": 0}
    full = limit.exceeded_by(command.amount)
    return None if full is None else (Reason.LIMIT_EXCEEDED, _limit_details(limit, full))


def _size_refusal(command: Command, source: Account, destination: Account) -> _Refusal | None:
    """A balance beyond what a person may hold, or what fits its column, which would fail the whole batch."""
    highest = BALANCE_MAX if destination.user_id is None else HOLDING_MAX
    if destination.balance + command.amount > highest or source.balance - command.amount < -BALANCE_MAX:
        return Reason.BALANCE_TOO_LARGE, {}
    return None


def _limit_details(limit: Limit, full: WindowUse) -> Details:
    return {
        "kind": limit.kind,
        "window": full.window,
        "limit": full.limit,
        "used": full.used,
        "remaining": full.remaining,
        "resets_at": full.resets_at.isoformat(),
    }


def _ends(command: Command, own: Own, other: Other) -> tuple[Own | Other, Own | Other]:
    """Where the money comes from and where it goes to."""
    match command:
        case Deposit() | Adjustment():
            return other, own
        case Withdraw() | Transfer():
            return own, other
    assert_never(command)


def _posted(command: Command, source: Account, destination: Account, limit: Limit | None, now: datetime) -> Posted:
    source, destination = source.moved(-command.amount), destination.moved(command.amount)
    return Posted(
        transaction=_transaction(
            command,
            TransactionStatus.COMPLETED,
            source=_side(source, balance_after=source.balance),
            destination=_side(destination, balance_after=destination.balance),
            limit=limit,
            now=now,
        ),
        entries=(Entry(source, -command.amount), Entry(destination, command.amount)),
        limit=None if limit is None else limit.counting(command.amount),
    )


def _declined(
    command: Command, own: Account, other: Account | None, limit: Limit | None, refusal: _Refusal, now: datetime
) -> Declined:
    reason, details = refusal
    account, recorded = own.declining(date_in(now, "UTC"))
    if not recorded:
        return Declined(reason=reason, details=details, account=account)
    source, destination = _ends(command, own, other)
    transaction = _transaction(
        command,
        TransactionStatus.FAILED,
        source=None if source is None else _side(source),
        destination=None if destination is None else _side(destination),
        limit=limit,
        now=now,
        reason=reason,
        details=details,
    )
    return Declined(reason=reason, details=details, transaction=transaction, account=account)


def _side(account: Account, balance_after: int | None = None) -> Side:
    return Side(account_id=account.id, wallet_id=account.wallet_id, holder=account.holder, balance_after=balance_after)


def _transaction(
    command: Command,
    status: TransactionStatus,
    *,
    source: Side | None,
    destination: Side | None,
    limit: Limit | None,
    now: datetime,
    reason: Reason | None = None,
    details: Details | None = None,
) -> Transaction:
    match command:
        case Deposit():
            note, reference = None, command.reference
        case Adjustment():
            note, reference = None, None
        case Withdraw():
            note, reference = None, command.destination
        case Transfer():
            note, reference = command.note, None
    return Transaction(
        id=command.id,
        kind=command.kind,
        status=status,
        user_id=command.user_id,
        key=command.key,
        fingerprint=None if command.key is None else command.fingerprint,
        request_id=command.request_id,
        currency=command.currency,
        amount=command.amount,
        source=source,
        destination=destination,
        note=note,
        reference=reference,
        reason=reason,
        details=details,
        business_date=limit.day if limit is not None else date_in(now, "UTC"),
        created_at=now,
        completed_at=now if status is TransactionStatus.COMPLETED else None,
    )
