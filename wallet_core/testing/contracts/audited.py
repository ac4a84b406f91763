"""What the suites about administration are written in: acts, admins, and what the audit has of them."""

from datetime import timedelta

from wallet_core.administration.audit import OPERATOR, Act, Actor, AuditEntry, AuditQuery
from wallet_core.clock import system_clock
from wallet_core.identity.entities import Role, User
from wallet_core.identity.session import Session
from wallet_core.ids import AuditId, TransactionId, UserId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import Adjustment
from wallet_core.testing.builders import (
    a_session,
    a_user,
    new_id,
)
from wallet_core.testing.contracts.books import (
    BooksUnderTest,
    owner,
)


def an_act(reason: str = "Because", *, actor: Actor = OPERATOR) -> Act:
    """Something that is about to be changed."""
    return Act(id=AuditId(new_id()), actor=actor, reason=reason)


def an_adjustment(to: Account, *, amount: int = 100, by: UserId | None = None, key: str | None = None) -> Adjustment:
    """A deposit that an admin makes."""
    return Adjustment(
        id=TransactionId(new_id()),
        user_id=by or UserId(new_id()),
        key=key,
        wallet_id=to.wallet_id,
        currency=to.currency,
        amount=amount,
        because="Because",
    )


async def entries(books: BooksUnderTest) -> list[AuditEntry]:
    """The whole audit, the first entry first."""
    page = await books.audit.page(AuditQuery(limit=1_000))
    assert page.next_before is None
    return list(page.entries[::-1])


async def an_admin(books: BooksUnderTest) -> User:
    """Somebody new who administers."""
    admin = a_user(name="Root", role=Role.ADMIN)
    assert await books.users.add(admin, "hash") is None
    return admin


async def a_session_of(books: BooksUnderTest, account: Account) -> Session:
    """A session that the account's owner has begun."""
    begun = system_clock()
    session = a_session(user_id=owner(account), created_at=begun, expires_at=begun + timedelta(hours=1))
    kept = await books.sessions.add(session, session.id.bytes * 2, password_hash=None, sessions_max=10)
    assert kept is not None
    return kept
