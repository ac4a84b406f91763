"""What administration asks of the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from wallet_core.administration.audit import Act
from wallet_core.administration.changes import ChangeRefusal
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.identity.ports import Taken
from wallet_core.ids import SessionId, UserId, WalletId
from wallet_core.ledger.commands import Adjustment, LimitKind
from wallet_core.ledger.limits import ChosenCaps
from wallet_core.ledger.outcomes import Outcome
from wallet_core.wallets.entities import Wallet, WalletStatus
from wallet_core.wallets.ports import GrantedCaps

PEOPLE_READ_MAX: Final = 50_000
"""How many people a page may read to find those that it is asked for: looked for is what stands anywhere in a name or
an address, and no index helps with that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleQuery:
    """Which people to give; None leaves that filter out.

    `text` is looked for in names and addresses, in any case of the letters A to Z at least. Only people who came before
    `before` are given.
    """

    text: str | None = None
    role: Role | None = None
    status: UserStatus | None = None
    before: UserId | None = None
    limit: int = 50
    read_max: int = PEOPLE_READ_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """People, who came last first, and before whom the next page goes on: None at the end."""

    people: tuple[User, ...]
    next_before: UserId | None


class PeopleDirectory(Protocol):
    """Where people and their wallets are looked up by those who administer them.

    Every implementation passes `wallet_core.testing.contracts.PeopleDirectoryContract`.
    """

    async def page(self, query: PeopleQuery) -> PeoplePage:
        """At most `query.limit` people, who came last first.

        Reads at most `query.read_max` people: where that many have been read and few of them fit, the page is short,
        it may be empty, and the next one goes on from there.
        """
        ...

    async def wallet(self, wallet_id: WalletId) -> Wallet | None:
        """That wallet, whosever it is. The system's are none."""
        ...


class AdministrationRepository(Protocol):
    """Where states are changed. Each change, its entry in the audit and its event are one transaction.

    A change of state is ordered with movements by the accounts' own locks: none of theirs is decided by what held
    before, once the change is made. All methods raise Unavailable where nothing was changed, and OutcomeUnknown.
    Every implementation passes `wallet_core.testing.contracts.AdministrationRepositoryContract`.
    """

    async def set_wallet_status(self, wallet_id: WalletId, status: WalletStatus, act: Act) -> Wallet | ChangeRefusal:
        """Freeze or unfreeze a person's wallet with all its accounts. Refuses with NOT_FOUND or UNCHANGED."""
        ...

    async def set_person_status(self, user_id: UserId, status: UserStatus, act: Act) -> User | ChangeRefusal:
        """Deactivate a person, their sessions and their accounts with them, or activate them again.

        Wallets that are frozen stay so. Refuses with NOT_FOUND, UNCHANGED or LAST_ADMIN.
        """
        ...

    async def add_admin(self, user: User, password_hash: str, act: Act) -> Taken | None:
        """Keep somebody new who administers, as UserRepository.add does."""
        ...

    async def set_limits(
        self,
        user_id: UserId,
        currency: str,
        wanted: Mapping[LimitKind, ChosenCaps],
        act: Act,
        *,
        granted: GrantedCaps,
    ) -> ChangeRefusal | None:
        """Grant a person other maximums, in force for whatever is decided after it; None of them changes nothing.

        Opens their limits in that currency as `granted` first, unless they have them. Refuses with NOT_FOUND or
        UNCHANGED.
        """
        ...

    async def deposit(self, command: Adjustment, act: Act) -> Outcome:
        """As Ledger.post does with one command. A movement has its entry; a refusal and a replay have none."""
        ...

    async def end_sessions(
        self, user_id: UserId, act: Act, *, session_id: SessionId | None = None
    ) -> int | ChangeRefusal:
        """End all sessions of a person, or that one of theirs; how many there were.

        Refuses with NOT_FOUND where there is no such person or session, and with UNCHANGED where none was open.
        """
        ...

    async def whose_session(self, session_id: SessionId) -> UserId | None:
        """The person that the session is of, if there is one."""
        ...
