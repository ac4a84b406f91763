"""The decisions: may this be changed, and what is then to be kept. Pure; whoever calls holds the locks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from wallet_core.administration.audit import Act, Action, AuditEntry, State, TargetKind, Value
from wallet_core.events.kinds import EventKind, StateChange
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.ids import SessionId, UserId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.ledger.outcomes import Posted
from wallet_core.wallets.entities import Wallet, WalletStatus


class ChangeRefusal(StrEnum):
    """Why nothing is changed."""

    NOT_FOUND = "not_found"
    UNCHANGED = "unchanged"
    LAST_ADMIN = "last_admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be kept of a change, together with it: an entry, and an event where others have to hear of it."""

    entry: AuditEntry
    event: StateChange | None = None


_WALLET_ACTIONS: Final = {
    WalletStatus.FROZEN: (Action.WALLET_FROZEN, EventKind.WALLET_FROZEN),
    WalletStatus.ACTIVE: (Action.WALLET_UNFROZEN, EventKind.WALLET_UNFROZEN),
}
_PERSON_ACTIONS: Final = {
    UserStatus.DEACTIVATED: (Action.PERSON_DEACTIVATED, EventKind.PERSON_DEACTIVATED),
    UserStatus.ACTIVE: (Action.PERSON_ACTIVATED, EventKind.PERSON_ACTIVATED),
}


def account_status(person: UserStatus, wallet: WalletStatus) -> AccountStatus:
    """How the accounts of a wallet stand: a wallet that was frozen stays so, whatever becomes of its person."""
    if person is UserStatus.DEACTIVATED:
        return AccountStatus.DEACTIVATED
    return AccountStatus.FROZEN if wallet is WalletStatus.FROZEN else AccountStatus.ACTIVE


def wallet_change(wallet: Wallet, wanted: WalletStatus, act: Act, at: datetime) -> Change | ChangeRefusal:
    """A wallet is frozen or unfrozen. The versions of its accounts say after which entries."""
    if wallet.status is wanted:
        return ChangeRefusal.UNCHANGED
    action, kind = _WALLET_ACTIONS[wanted]
    return Change(
        entry=act.entry(
            action,
            at,
            target_kind=TargetKind.WALLET,
            target_id=wallet.id,
            user_id=wallet.user_id,
            before={"status": wallet.status},
            after={"status": wanted, "accounts": _versions(wallet.accounts)},
        ),
        event=StateChange(
            kind=kind,
            user_id=wallet.user_id,
            subject_id=wallet.id,
            facts={"audit_id": str(act.id), "wallet": wallet.name},
        ),
    )


def person_change(
    user: User, accounts: Sequence[Account], wanted: UserStatus, act: Act, at: datetime, *, active_admins: int
) -> Change | ChangeRefusal:
    """A person is deactivated or activated. There is always somebody left who can administer."""
    if user.status is wanted:
        return ChangeRefusal.UNCHANGED
    if wanted is UserStatus.DEACTIVATED and user.role is Role.ADMIN and active_admins <= 1:
        return ChangeRefusal.LAST_ADMIN
    action, kind = _PERSON_ACTIONS[wanted]
    return Change(
        entry=act.entry(
            action,
            at,
            target_kind=TargetKind.PERSON,
            target_id=user.id,
            user_id=user.id,
            before={"status": user.status},
            after={"status": wanted, "accounts": _versions(accounts)},
        ),
        event=StateChange(kind=kind, user_id=user.id, facts={"audit_id": str(act.id)}),
    )


def admin_entry(user: User, act: Act) -> AuditEntry:
    """The entry of somebody new who administers."""
    return act.entry(
        Action.ADMIN_ADDED,
        user.created_at,
        target_kind=TargetKind.PERSON,
        target_id=user.id,
        user_id=user.id,
        after={"role": user.role, "status": user.status},
    )


def granted_anew(before: Mapping[LimitKind, Caps], wanted: Mapping[LimitKind, ChosenCaps]) -> dict[LimitKind, Caps]:
    """What an operator grants from now on: what is not said stays."""
    return {
        kind: Caps(
            daily=caps.daily if (said := wanted.get(kind, ChosenCaps())).daily is None else said.daily,
            monthly=caps.monthly if said.monthly is None else said.monthly,
        )
        for kind, caps in before.items()
    }


def limits_change(
    user_id: UserId,
    currency: str,
    before: Mapping[LimitKind, Caps],
    after: Mapping[LimitKind, Caps],
    act: Act,
    at: datetime,
) -> Change | ChangeRefusal:
    """What a person is granted in one currency is another amount from now on."""
    if before == after:
        return ChangeRefusal.UNCHANGED
    return Change(
        entry=act.entry(
            Action.LIMITS_CHANGED,
            at,
            target_kind=TargetKind.PERSON,
            target_id=user_id,
            user_id=user_id,
            before=_granted(currency, before),
            after=_granted(currency, after),
        ),
        event=StateChange(
            kind=EventKind.LIMITS_CHANGED, user_id=user_id, facts={"audit_id": str(act.id), "currency": currency}
        ),
    )


def deposit_entry(posted: Posted, act: Act) -> AuditEntry:
    """The entry of a deposit that was made for a reason. Its event is that of the movement."""
    transaction = posted.transaction
    credited = next(entry.account for entry in posted.entries if entry.amount > 0)
    return act.entry(
        Action.DEPOSIT_MADE,
        transaction.created_at,
        target_kind=TargetKind.WALLET,
        target_id=credited.wallet_id,
        user_id=credited.user_id,
        before={"balance": credited.balance - transaction.amount, "currency": transaction.currency},
        after={
            "balance": credited.balance,
            "currency": transaction.currency,
            "amount": transaction.amount,
            "transaction_id": str(transaction.id),
        },
    )


def sessions_entry(user_id: UserId, ended: Sequence[SessionId], act: Act, at: datetime) -> AuditEntry:
    """The entry of sessions that an admin has ended."""
    sessions: list[Value] = sorted(str(each) for each in ended)  # type: ignore[assignment]  # lists are invariant
    return act.entry(
        Action.SESSIONS_ENDED,
        at,
        target_kind=TargetKind.PERSON,
        target_id=user_id,
        user_id=user_id,
        after={"sessions": sessions},
    )


def _versions(accounts: Sequence[Account]) -> dict[str, Value]:
    return {str(account.id): account.version for account in accounts}


def _granted(currency: str, granted: Mapping[LimitKind, Caps]) -> State:
    return {
        "currency": currency,
        **{kind.value: {"daily": caps.daily, "monthly": caps.monthly} for kind, caps in sorted(granted.items())},
    }
