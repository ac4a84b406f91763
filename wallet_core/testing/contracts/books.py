"""What the suites about money, wallets and people run against, and the words they are written in."""

from typing import Protocol

from wallet_core.administration.audit import AuditTrail
from wallet_core.administration.chain import SealRepository
from wallet_core.administration.ports import AdministrationRepository, PeopleDirectory
from wallet_core.identity.challenges import ChallengeRepository
from wallet_core.identity.entities import Role, UserStatus
from wallet_core.identity.ports import UserRepository
from wallet_core.identity.session_ports import SessionRepository
from wallet_core.ids import AccountId, UserId, WalletId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import Command, LimitKind
from wallet_core.ledger.limits import Limit
from wallet_core.ledger.outcomes import Declined, Outcome, Posted, Reason
from wallet_core.ledger.port import Ledger
from wallet_core.ledger.statements import StatementLine, StatementQuery, StatementRepository
from wallet_core.testing.builders import a_deposit, a_user, a_wallet, an_account, granted_caps
from wallet_core.wallets.entities import Wallet
from wallet_core.wallets.ports import GrantedCaps, LimitRepository, WalletRepository

WALLETS_MAX = 10


class BooksUnderTest(Protocol):
    """The ports of one implementation, all over the same people, wallets and money.

    The system's accounts of the gateway "sandbox" and for payouts are open in USD, EUR, GBP, INR and JPY, and the
    ledger goes by the suite's fixture `clock`. InMemoryBooks is one.
    """

    @property
    def ledger(self) -> Ledger:
        """Where money moves."""
        ...

    @property
    def users(self) -> UserRepository:
        """Where people are kept."""
        ...

    @property
    def challenges(self) -> ChallengeRepository:
        """Where their challenges are kept."""
        ...

    @property
    def wallets(self) -> WalletRepository:
        """Where wallets are kept."""
        ...

    @property
    def limits(self) -> LimitRepository:
        """Where limits are read and lowered."""
        ...

    @property
    def statements(self) -> StatementRepository:
        """Where statements are read."""
        ...

    @property
    def sessions(self) -> SessionRepository:
        """Where their sessions are kept."""
        ...

    @property
    def administration(self) -> AdministrationRepository:
        """Where states are changed."""
        ...

    @property
    def directory(self) -> PeopleDirectory:
        """Where people are looked up by those who administer them."""
        ...

    @property
    def audit(self) -> AuditTrail:
        """Where the audit is read."""
        ...

    @property
    def seals(self) -> SealRepository:
        """Where its seals are kept."""
        ...

    async def change_person(
        self,
        user_id: UserId,
        *,
        role: Role | None = None,
        status: UserStatus | None = None,
        second_factor: bool | None = None,
    ) -> None:
        """Change what a person may do, as an operator or they themselves do."""
        ...

    async def set_status(self, wallet_id: WalletId, status: AccountStatus) -> None:
        """Freeze, deactivate or activate a wallet with all its accounts, as an operator does."""
        ...


async def a_person(
    books: BooksUnderTest,
    *,
    name: str = "Alice",
    balance: int = 0,
    currency: str = "USD",
    time_zone: str = "UTC",
    granted: GrantedCaps | None = None,
) -> Account:
    """Somebody new with one wallet, by its account; what it holds was deposited."""
    user = a_user(name=name, time_zone=time_zone)
    assert await books.users.add(user, "hash") is None
    return await a_wallet_of(books, user.id, balance=balance, currency=currency, granted=granted)


async def a_wallet_of(
    books: BooksUnderTest,
    user_id: UserId,
    *,
    name: str = "Main",
    balance: int = 0,
    currency: str = "USD",
    granted: GrantedCaps | None = None,
) -> Account:
    """One more wallet of that person, by its account; what it holds was deposited."""
    wallet = a_wallet(user_id=user_id, name=name, currency=currency)
    account = an_account(wallet_id=wallet.id, user_id=user_id, currency=currency)
    opened = await books.wallets.open(
        wallet, account, granted_caps() if granted is None else granted, wallets_max=WALLETS_MAX
    )
    assert isinstance(opened, Wallet)
    if balance:
        assert refusal(await post(books, a_deposit(account, amount=balance))) is None
    return await now(books, account)


async def a_currency_of(books: BooksUnderTest, account: Account, currency: str, *, balance: int = 0) -> Account:
    """One more currency in the account's wallet, by its account; what it holds was deposited."""
    asked = an_account(wallet_id=account.wallet_id, user_id=account.user_id, currency=currency)
    opened = await books.wallets.open_account(asked, granted_caps())
    assert isinstance(opened, Account)
    if balance:
        assert refusal(await post(books, a_deposit(opened, amount=balance))) is None
    return await now(books, opened)


async def post(books: BooksUnderTest, command: Command) -> Outcome:
    """What becomes of one command on its own."""
    outcomes = await books.ledger.post([command])
    assert len(outcomes) == 1
    return outcomes[0]


async def now(books: BooksUnderTest, account: Account) -> Account:
    """The account as it stands now."""
    found = await books.wallets.account(owner(account), account.wallet_id, account.currency)
    assert found is not None
    return found


async def balances(books: BooksUnderTest, *accounts: Account) -> list[int]:
    """What the accounts hold now."""
    return [(await now(books, account)).balance for account in accounts]


async def limit_of(books: BooksUnderTest, account: Account, kind: LimitKind) -> Limit:
    """The limit of the account's owner, as it is kept."""
    limits = {limit.kind: limit for limit in await books.limits.of(owner(account), account.currency)}
    return limits[kind]


async def statement(books: BooksUnderTest, *accounts: Account) -> list[StatementLine]:
    """All lines of the accounts' wallets, newest first."""
    wallet_ids = tuple(account.wallet_id for account in accounts)
    page = await books.statements.page(StatementQuery(wallet_ids=wallet_ids, limit=1_000))
    assert page.next is None
    return list(page.lines)


def posted(outcome: Outcome) -> Posted:
    """The outcome, which is expected to be a movement."""
    assert isinstance(outcome, Posted), outcome
    return outcome


def declined(outcome: Outcome) -> Declined:
    """The outcome, which is expected to be a refusal."""
    assert isinstance(outcome, Declined), outcome
    return outcome


def refusal(outcome: Outcome) -> Reason | None:
    """Why nothing moved; None where money did."""
    return outcome.reason if isinstance(outcome, Declined) else None


def owner(account: Account) -> UserId:
    """Whose account it is."""
    assert account.user_id is not None
    return account.user_id


def nobodys_account(*, currency: str = "USD") -> Account:
    """An account that was never opened, of a person who is not there."""
    return an_account(id=AccountId(a_user().id), currency=currency)
