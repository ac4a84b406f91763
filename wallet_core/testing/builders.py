"""Values for tests: say what matters, the rest is sensible."""

import secrets
import time
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.identity.session import Session
from wallet_core.ids import AccountId, SessionId, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import Account, AccountStatus, system_wallet_id
from wallet_core.ledger.commands import Deposit, LimitKind, Transfer, Withdraw
from wallet_core.ledger.limits import Caps, ChosenCaps, Limit
from wallet_core.testing.clock import NOON
from wallet_core.wallets.entities import Wallet, WalletStatus
from wallet_core.wallets.ports import GrantedCaps

GATEWAY: Final = "sandbox"

_RANDOM_BITS: Final = 54


def new_id() -> UUID:
    """A UUIDv7 that was never given before; of two, the later one is the greater, down to the nanosecond."""
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    within = nanoseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    return UUID(int=milliseconds << 80 | 7 << 76 | (within >> 62) << 64 | 2 << 62 | within & (2**62 - 1))


def a_user(
    *,
    id: UserId | None = None,  # noqa: A002 - it is the field's name
    name: str = "Alice",
    email: str | None = "{id}@example.org",
    phone: str | None = None,
    verified: bool = True,
    role: Role = Role.USER,
    status: UserStatus = UserStatus.ACTIVE,
    time_zone: str = "UTC",
    created_at: datetime = NOON,
) -> User:
    """A person whose addresses are verified. "{id}" in the email address becomes their id, so that no two share it."""
    user_id = id or UserId(new_id())
    return User(
        id=user_id,
        name=name,
        email=None if email is None else email.format(id=user_id.hex),
        phone=phone,
        email_verified_at=created_at if verified and email is not None else None,
        phone_verified_at=created_at if verified and phone is not None else None,
        role=role,
        status=status,
        time_zone=time_zone,
        created_at=created_at,
    )


def a_session(
    *,
    id: SessionId | None = None,  # noqa: A002 - it is the field's name
    user_id: UserId | None = None,
    device: str = "Laptop",
    address: str | None = None,
    created_at: datetime = NOON,
    expires_at: datetime = NOON + timedelta(hours=12),
) -> Session:
    """A session that has just begun."""
    return Session(
        id=id or SessionId(new_id()),
        user_id=user_id or UserId(new_id()),
        device=device,
        address=address,
        created_at=created_at,
        last_seen_at=created_at,
        expires_at=expires_at,
        proved_at=created_at,
    )


def a_wallet(
    *,
    id: WalletId | None = None,  # noqa: A002 - it is the field's name
    user_id: UserId | None = None,
    name: str = "Main",
    currency: str = "USD",
    status: WalletStatus = WalletStatus.ACTIVE,
    is_default: bool = False,
    created_at: datetime = NOON,
    accounts: tuple[Account, ...] = (),
) -> Wallet:
    """A person's wallet."""
    return Wallet(
        id=id or WalletId(new_id()),
        user_id=user_id or UserId(new_id()),
        name=name,
        currency=currency,
        status=status,
        is_default=is_default,
        created_at=created_at,
        accounts=accounts,
    )


def an_account(
    *,
    id: AccountId | None = None,  # noqa: A002 - it is the field's name
    wallet_id: WalletId | None = None,
    user_id: UserId | None = None,
    holder: str | None = "Alice",
    currency: str = "USD",
    balance: int = 0,
    held: int = 0,
    version: int = 0,
    declines: int = 0,
    status: AccountStatus = AccountStatus.ACTIVE,
) -> Account:
    """A person's account. Amounts are minor units."""
    return Account(
        id=id or AccountId(new_id()),
        wallet_id=wallet_id or WalletId(new_id()),
        user_id=user_id or UserId(new_id()),
        holder=holder,
        currency=currency,
        balance=balance,
        held=held,
        version=version,
        declines=declines,
        status=status,
    )


def a_system_account(name: str, *, currency: str = "USD", balance: int = 0, version: int = 0) -> Account:
    """The account of a system wallet, such as "payout" or "gateway:sandbox"."""
    return Account(
        id=AccountId(new_id()),
        wallet_id=system_wallet_id(name),
        user_id=None,
        currency=currency,
        balance=balance,
        version=version,
    )


def a_deposit(
    to: Account,
    *,
    id: TransactionId | None = None,  # noqa: A002 - it is the field's name
    amount: int = 100,
    key: str | None = None,
    currency: str | None = None,
    gateway: str = GATEWAY,
    reference: str | None = None,
    user_id: UserId | None = None,
) -> Deposit:
    """The account's owner adds funds to it. `user_id` makes somebody else ask."""
    return Deposit(
        id=id or TransactionId(new_id()),
        user_id=_asker(to, user_id),
        key=key,
        wallet_id=to.wallet_id,
        currency=currency or to.currency,
        amount=amount,
        gateway=gateway,
        reference=reference,
    )


def a_withdrawal(
    source: Account,
    *,
    id: TransactionId | None = None,  # noqa: A002 - it is the field's name
    amount: int = 100,
    key: str | None = None,
    currency: str | None = None,
    destination: str | None = None,
    user_id: UserId | None = None,
) -> Withdraw:
    """The account's owner withdraws from it. `user_id` makes somebody else ask."""
    return Withdraw(
        id=id or TransactionId(new_id()),
        user_id=_asker(source, user_id),
        key=key,
        wallet_id=source.wallet_id,
        currency=currency or source.currency,
        amount=amount,
        destination=destination,
    )


def a_transfer(
    source: Account,
    destination: Account | None,
    *,
    id: TransactionId | None = None,  # noqa: A002 - it is the field's name
    amount: int = 100,
    key: str | None = None,
    currency: str | None = None,
    to: str | None = None,
    note: str | None = None,
    user_id: UserId | None = None,
) -> Transfer:
    """The source's owner sends to the destination's wallet, or to nobody. `user_id` makes somebody else ask."""
    to_wallet_id = None if destination is None else destination.wallet_id
    return Transfer(
        id=id or TransactionId(new_id()),
        user_id=_asker(source, user_id),
        key=key,
        wallet_id=source.wallet_id,
        currency=currency or source.currency,
        amount=amount,
        to=to or (str(to_wallet_id) if to_wallet_id is not None else "nobody@example.org"),
        to_wallet_id=to_wallet_id,
        note=note,
    )


def a_limit(
    *,
    user_id: UserId | None = None,
    kind: LimitKind = LimitKind.TRANSFER,
    currency: str = "USD",
    daily: int = 10_000,
    monthly: int = 100_000,
    chosen: ChosenCaps | None = None,
    time_zone: str = "UTC",
    day: date = date.min,
    day_used: int = 0,
    month_used: int = 0,
) -> Limit:
    """A person's limit. Amounts are minor units."""
    return Limit(
        user_id=user_id or UserId(new_id()),
        kind=kind,
        currency=currency,
        granted=Caps(daily=daily, monthly=monthly),
        chosen=chosen or ChosenCaps(),
        time_zone=time_zone,
        day=day,
        day_used=day_used,
        month_used=month_used,
    )


def granted_caps(*, daily: int = 10_000, monthly: int = 100_000) -> GrantedCaps:
    """The same maximums for every kind of movement, in minor units."""
    return {kind: Caps(daily=daily, monthly=monthly) for kind in LimitKind}


def _asker(account: Account, user_id: UserId | None) -> UserId:
    asker = user_id or account.user_id
    if asker is None:
        raise ValueError("The system asks for nothing: say who does, by user_id.")
    return asker
