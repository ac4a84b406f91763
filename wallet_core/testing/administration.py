"""Administration in memory: changes of state, the audit and its seals, over the same records as all the rest."""

from collections.abc import Mapping
from dataclasses import replace

from wallet_core.administration.audit import Act, AuditEntry, AuditPage, AuditQuery
from wallet_core.administration.chain import BrokenLink, ChainCheck, Seal, next_seals
from wallet_core.administration.changes import (
    Change,
    ChangeRefusal,
    account_status,
    admin_entry,
    deposit_entry,
    granted_anew,
    limits_change,
    person_change,
    sessions_entry,
    wallet_change,
)
from wallet_core.administration.ports import PeoplePage, PeopleQuery
from wallet_core.clock import Clock, system_clock
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.identity.ports import Taken
from wallet_core.identity.session import SessionEnd
from wallet_core.ids import SessionId, UserId, WalletId
from wallet_core.ledger.commands import Adjustment, LimitKind
from wallet_core.ledger.limits import ChosenCaps
from wallet_core.ledger.outcomes import Outcome, Posted
from wallet_core.testing.ledger import InMemoryLedger
from wallet_core.testing.records import Records
from wallet_core.testing.sessions import InMemorySessionRepository
from wallet_core.testing.users import InMemoryUserRepository
from wallet_core.wallets.entities import Wallet, WalletStatus
from wallet_core.wallets.ports import GrantedCaps


class InMemoryAdministration:
    """An AdministrationRepository over `Records`. Each change is one step of the event loop."""

    def __init__(
        self,
        records: Records,
        ledger: InMemoryLedger,
        sessions: InMemorySessionRepository,
        clock: Clock = system_clock,
    ) -> None:
        self._records = records
        self._ledger = ledger
        self._sessions = sessions
        self._clock = clock

    async def set_wallet_status(self, wallet_id: WalletId, status: WalletStatus, act: Act) -> Wallet | ChangeRefusal:
        """As AdministrationRepository.set_wallet_status."""
        wallet = self._records.wallet(wallet_id)
        if wallet is None:
            return ChangeRefusal.NOT_FOUND
        change = wallet_change(wallet, status, act, self._clock())
        if isinstance(change, ChangeRefusal):
            return change
        kept = self._records.wallets[wallet_id]
        self._records.wallets[wallet_id] = replace(kept, status=status, version=kept.version + 1)
        self._restate(wallet.user_id)
        self._keep(change)
        return self._records.wallet(wallet_id) or ChangeRefusal.NOT_FOUND

    async def set_person_status(self, user_id: UserId, status: UserStatus, act: Act) -> User | ChangeRefusal:
        """As AdministrationRepository.set_person_status."""
        user = self._records.users.get(user_id)
        if user is None:
            return ChangeRefusal.NOT_FOUND
        active = [each for each in self._records.users.values() if each.status is UserStatus.ACTIVE]
        accounts = [account for account in self._records.accounts.values() if account.user_id == user_id]
        change = person_change(
            user,
            accounts,
            status,
            act,
            self._clock(),
            active_admins=sum(1 for each in active if each.role is Role.ADMIN),
        )
        if isinstance(change, ChangeRefusal):
            return change
        self._sessions.change_person(user_id, status=status)
        self._restate(user_id)
        self._keep(change)
        return self._records.users[user_id]

    async def add_admin(self, user: User, password_hash: str, act: Act) -> Taken | None:
        """As AdministrationRepository.add_admin."""
        taken = await InMemoryUserRepository(self._records).add(user, password_hash)
        if taken is None:
            self._records.add_audit(admin_entry(user, act))
        return taken

    async def set_limits(
        self,
        user_id: UserId,
        currency: str,
        wanted: Mapping[LimitKind, ChosenCaps],
        act: Act,
        *,
        granted: GrantedCaps,
    ) -> ChangeRefusal | None:
        """As AdministrationRepository.set_limits."""
        if user_id not in self._records.users:
            return ChangeRefusal.NOT_FOUND
        for kind, caps in granted.items():
            self._records.add_limit(user_id, kind, currency, caps)
        kept = {kind: self._records.limits[user_id, kind, currency] for kind in granted}
        before = {kind: limit.granted for kind, limit in kept.items()}
        after = granted_anew(before, wanted)
        change = limits_change(user_id, currency, before, after, act, self._clock())
        if isinstance(change, ChangeRefusal):
            return change
        for kind, caps in after.items():
            self._records.limits[user_id, kind, currency] = replace(kept[kind], granted=caps)
        self._keep(change)
        return None

    async def deposit(self, command: Adjustment, act: Act) -> Outcome:
        """As AdministrationRepository.deposit."""
        (outcome,) = await self._ledger.post([command])
        if isinstance(outcome, Posted) and not outcome.replayed:
            self._records.add_audit(deposit_entry(outcome, act))
        return outcome

    async def end_sessions(
        self, user_id: UserId, act: Act, *, session_id: SessionId | None = None
    ) -> int | ChangeRefusal:
        """As AdministrationRepository.end_sessions."""
        theirs = [each for each in self._records.sessions.values() if each.user_id == user_id]
        asked = [each for each in theirs if session_id in (None, each.id)]
        if user_id not in self._records.users or (session_id is not None and not asked):
            return ChangeRefusal.NOT_FOUND
        now = self._clock()
        ending = [each for each in asked if each.ended_at is None and each.expires_at > now]
        if not ending:
            return ChangeRefusal.UNCHANGED
        for session in ending:
            await self._sessions.end(session.id, SessionEnd.ENDED_BY_ADMIN, now)
        self._records.add_audit(sessions_entry(user_id, [each.id for each in ending], act, now))
        return len(ending)

    async def whose_session(self, session_id: SessionId) -> UserId | None:
        """As AdministrationRepository.whose_session."""
        session = self._records.sessions.get(session_id)
        return None if session is None else session.user_id

    def _restate(self, user_id: UserId) -> None:
        """Let a person's accounts stand as they and their wallets do."""
        person = self._records.users[user_id]
        for key, account in self._records.accounts.items():
            if account.user_id == user_id:
                wallet = self._records.wallets[account.wallet_id]
                self._records.accounts[key] = replace(account, status=account_status(person.status, wallet.status))

    def _keep(self, change: Change) -> None:
        self._records.add_audit(change.entry)
        if change.event is not None:
            self._records.note(change.event)


class InMemoryPeopleDirectory:
    """A PeopleDirectory over `Records`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def page(self, query: PeopleQuery) -> PeoplePage:
        """As PeopleDirectory.page."""
        newest_first = sorted(self._records.users.values(), key=lambda user: user.id, reverse=True)
        older = [user for user in newest_first if query.before is None or user.id < query.before]
        found: list[User] = []
        for number, user in enumerate(older, start=1):
            if _fits(user, query):
                if len(found) == query.limit:
                    return PeoplePage(people=tuple(found), next_before=found[-1].id)
                found.append(user)
            if number == query.read_max:
                return PeoplePage(people=tuple(found), next_before=user.id)
        return PeoplePage(people=tuple(found), next_before=None)

    async def wallet(self, wallet_id: WalletId) -> Wallet | None:
        """As PeopleDirectory.wallet."""
        return self._records.wallet(wallet_id)


class InMemoryAuditTrail:
    """An AuditTrail over `Records`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def page(self, query: AuditQuery) -> AuditPage:
        """As AuditTrail.page."""
        passing = [entry for entry in reversed(self._records.audit) if _passes(entry, query)]
        page = passing[: query.limit]
        return AuditPage(entries=tuple(page), next_before=page[-1].place if len(passing) > len(page) else None)


class InMemorySeals:
    """A SealRepository over `Records`."""

    def __init__(self, records: Records, clock: Clock = system_clock) -> None:
        self._records = records
        self._clock = clock

    async def seal(self, entries_max: int) -> int:
        """As SealRepository.seal."""
        sealed = {seal.audit_id for seal in self._records.seals}
        unsealed = [entry for entry in self._records.audit if entry.id not in sealed][:entries_max]
        self._records.seals += next_seals(await self.head(), unsealed, self._clock())
        return len(unsealed)

    async def broken_links(self) -> list[BrokenLink]:
        """As SealRepository.broken_links."""
        check, entries = ChainCheck(), {entry.id: entry for entry in self._records.audit}
        return [broken for seal in self._records.seals for broken in check.broken(seal, entries.get(seal.audit_id))]

    async def head(self) -> Seal | None:
        """As SealRepository.head."""
        return self._records.seals[-1] if self._records.seals else None


def _fits(user: User, query: PeopleQuery) -> bool:
    text = (query.text or "").lower()
    return (
        any(text in (each or "").lower() for each in (user.name, user.email, user.phone))
        and query.role in (None, user.role)
        and query.status in (None, user.status)
    )


def _passes(entry: AuditEntry, query: AuditQuery) -> bool:
    return (
        query.actor_id in (None, entry.actor.id)
        and query.actor_kind in (None, entry.actor.kind)
        and query.action in (None, entry.action)
        and query.target_id in (None, entry.target_id)
        and query.user_id in (None, entry.user_id)
        and (query.made_from is None or entry.at >= query.made_from)
        and (query.made_before is None or entry.at < query.made_before)
        and (query.before_place is None or (entry.place or 0) < query.before_place)
    )
