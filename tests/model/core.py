"""The library's own books in memory, made to live a run and held against the model at each step."""

import random
from collections.abc import Sequence
from typing import Final

from tests.model.answers import Answer
from tests.model.core_views import (
    account_id,
    answer_view,
    kept_view,
    no_wallet_id,
    outcome_view,
    plain_view,
    transaction_id,
    transaction_view,
    user_id,
    wallet_id,
    wallet_view,
    wallets_view,
)
from tests.model.generator import Generator, Profile
from tests.model.naive import NaiveBooks
from tests.model.operations import (
    EXPONENTS,
    GRANTED,
    WALLETS_MAX,
    By,
    ChangePerson,
    HoldCurrency,
    Kind,
    Look,
    LowerLimits,
    MakeDefault,
    Move,
    OpenWallet,
    Operation,
    PassTime,
    SetStanding,
    SignUp,
    To,
)
from tests.model.runs import Report
from wallet_core.identity.ports import Taken
from wallet_core.ids import WalletId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.commands import Command, Deposit, LimitKind, Transfer, Withdraw
from wallet_core.ledger.limits import Caps, ChosenCaps
from wallet_core.ledger.statements import StatementQuery
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_user, a_wallet
from wallet_core.testing.clock import SettableClock
from wallet_core.wallets.entities import WalletRefusal

PROFILE: Final = Profile(
    weights={
        Move: 85.0,
        PassTime: 6.0,
        SetStanding: 0.9,
        LowerLimits: 1.0,
        ChangePerson: 0.8,
        Look: 4.0,
        MakeDefault: 0.5,
        HoldCurrency: 0.7,
        OpenWallet: 0.3,
        SignUp: 0.2,
    },
    people_max=10,
    gateways=("sandbox", "bank"),
    keyless=0.1,
    whales=0.005,
    hot=0.1,
)
WORLD_OPERATIONS: Final = 10_000
"""After so many operations a new world begins, so that recounting everything stays affordable."""

_STILL: Final = 4_000
"""For so many operations some worlds stay in one day: time enough for more refusals than a day keeps."""
_BATCH_MAX: Final = 8
_LIMIT_KINDS: Final = {Kind.TRANSFER: LimitKind.TRANSFER, Kind.WITHDRAW: LimitKind.WITHDRAWAL}


class CoreBooks:
    """Carries operations out on the books in memory, and says in the model's words what came of them."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.books = InMemoryBooks(self.clock, gateways=PROFILE.gateways, currencies=EXPONENTS)

    async def post(self, moves: Sequence[tuple[int, Move]]) -> list[dict[str, object]]:
        """Ask for movements in one batch; `moves` pairs each with its number."""
        commands = [await self._command(number, move) for number, move in moves]
        return [outcome_view(outcome) for outcome in await self.books.ledger.post(commands)]

    async def do(self, number: int, operation: Operation) -> dict[str, object]:
        """Anything but a movement."""
        match operation:
            case SignUp():
                email = f"p{operation.email_of}@example.org"
                user = a_user(
                    id=user_id(operation.person),
                    name=f"Person {operation.person}",
                    email=email,
                    phone=f"+1415555{operation.person:04}",
                )
                taken: Taken | None = await self.books.users.add(user, "hash")
                return {"code": taken}
            case ChangePerson():
                user = await self.books.users.by_id(user_id(operation.person)) or a_user()
                name, time_zone = operation.name or user.name, operation.time_zone or user.time_zone
                changed = await self.books.users.change(user.id, name=name, time_zone=time_zone)
                return {"code": changed if isinstance(changed, Taken) else None}
            case LowerLimits():
                return await self._lower_limits(operation)
            case PassTime():
                self.clock.advance(operation.by)
                return {"code": None}
            case SetStanding():
                await self.books.set_status(wallet_id(operation.wallet), AccountStatus(operation.standing))
                return {"code": None}
            case OpenWallet() | HoldCurrency() | MakeDefault() | Look():
                return await self._about_a_wallet(operation)
            case unknown:
                raise AssertionError(f"{unknown} is nothing for the core")

    async def _about_a_wallet(self, asked: OpenWallet | HoldCurrency | MakeDefault | Look) -> dict[str, object]:
        wallets, owner, place = self.books.wallets, user_id(asked.person), wallet_id(asked.wallet)
        match asked:
            case OpenWallet():
                wallet = a_wallet(
                    id=place, user_id=owner, name=asked.name, currency=asked.currency, created_at=self.clock()
                )
                account = _account(asked)
                return _refused(await wallets.open(wallet, account, _granted(asked.currency), wallets_max=WALLETS_MAX))
            case HoldCurrency():
                return _refused(await wallets.open_account(_account(asked), _granted(asked.currency)))
            case MakeDefault():
                return _refused(await wallets.change(owner, place, name=None, default=True))
            case Look():
                found = await wallets.account(owner, place, asked.currency)
                if found is None:
                    return {"code": "wallet_not_found"}
                return {"code": None, "shown": (found.balance, found.version)}

    async def _lower_limits(self, asked: LowerLimits) -> dict[str, object]:
        chosen = {_LIMIT_KINDS[asked.outgoing]: ChosenCaps(daily=asked.daily, monthly=asked.monthly)}
        granted = _granted(asked.currency)
        is_done = await self.books.limits.choose(user_id(asked.person), asked.currency, chosen, granted=granted)
        return {"code": None if is_done else "limit_too_high"}

    async def _command(self, number: int, move: Move) -> Command:
        asker, own = user_id(move.person), wallet_id(move.wallet)
        made = transaction_id(number)
        match move.kind:
            case Kind.DEPOSIT:
                return Deposit(
                    id=made,
                    user_id=asker,
                    key=move.key,
                    wallet_id=own,
                    currency=move.currency,
                    amount=move.amount,
                    gateway=str(move.words),
                    reference=f"payment {number}",
                )
            case Kind.WITHDRAW:
                return Withdraw(
                    id=made,
                    user_id=asker,
                    key=move.key,
                    wallet_id=own,
                    currency=move.currency,
                    amount=move.amount,
                    destination=move.words,
                )
            case Kind.TRANSFER:
                assert move.to is not None
                to, recipient = await self._recipient(move.to)
                return Transfer(
                    id=made,
                    user_id=asker,
                    key=move.key,
                    wallet_id=own,
                    currency=move.currency,
                    amount=move.amount,
                    to=to,
                    to_wallet_id=recipient,
                    note=move.words,
                )

    async def _recipient(self, to: To) -> tuple[str, WalletId | None]:
        """The recipient as it is written, and the wallet it leads to."""
        by, number = to
        match by:
            case By.EMAIL | By.NOBODY:
                email = f"P{number}@example.org" if by is By.EMAIL else f"nobody{number}@example.org"
                return email, await self.books.wallets.recipient(email=email)
            case By.PHONE:
                phone = f"+1415555{number:04}"
                return phone, await self.books.wallets.recipient(phone=phone)
            case By.WALLET:
                found = wallet_id(number)
            case By.SYSTEM:
                found = wallet_id("payout")
            case By.NOWHERE:
                found = no_wallet_id(number)
        return str(found), found


async def run_core(report: Report, operations: int, books: type[CoreBooks] = CoreBooks) -> None:
    """Live so many operations, a world after the other. Raises Mismatch."""
    for first in range(0, operations, WORLD_OPERATIONS):
        await _World(report, first, books()).live(min(WORLD_OPERATIONS, operations - first), operations)


class _World:
    """A life of the books from their opening; its operations are numbered from the one after `first`."""

    def __init__(self, report: Report, first: int, core: CoreBooks) -> None:
        world = first // WORLD_OPERATIONS
        seed = f"{report.seed}/{world}"
        self._report = report
        self._first = first
        self._core = core
        self._naive = NaiveBooks()
        self._generator = Generator(self._naive, seed=seed, profile=PROFILE, still=_STILL if world % 4 == 1 else 0)
        self._chance = random.Random(f"{seed}/batches")
        self._waiting: list[tuple[int, Move, Answer]] = []
        self._batch = 1

    async def live(self, operations: int, total: int) -> None:
        """So many operations, and then a look at everything."""
        for number in range(self._first + 1, self._first + operations + 1):
            now = self._core.clock()
            operation = self._generator.next(now)
            if not isinstance(operation, Move):
                await self._post()
            expected = self._naive.do(number, operation, now)
            self._report.count(number, operation, expected)
            if isinstance(operation, Move):
                self._waiting.append((number, operation, expected))
                if len(self._waiting) >= self._batch:
                    await self._post()
            else:
                self._compare(number, operation, plain_view(expected), await self._core.do(number, operation))
            self._report.progress(number, total)
        await self._post()
        await self._look_at_everything(self._first + operations)

    async def _post(self) -> None:
        """Post what waits as one batch, of another size each time."""
        waiting, self._waiting = self._waiting, []
        self._batch = self._chance.randint(1, _BATCH_MAX)
        if not waiting:
            return
        found = await self._core.post([(number, move) for number, move, _ in waiting])
        for (number, move, expected), outcome in zip(waiting, found, strict=True):
            self._compare(number, move, answer_view(move, expected), outcome)

    def _compare(self, number: int, operation: Operation, expected: object, found: object) -> None:
        if expected != found:
            raise self._report.mismatch(number, operation, expected, found)

    async def _look_at_everything(self, last: int) -> None:
        operation = Look(person=0, wallet=0, currency="everything")
        books, now = self._core.books, self._core.clock()
        holdings = books.holdings()
        system = {(each.wallet_id, each.currency): each for each in holdings.accounts if each.user_id is None}
        for (name, currency), purse in self._naive.system.items():
            account = system[wallet_id(name), currency]
            self._compare(last, operation, (purse.balance, purse.entries), (account.balance, account.version))
        for person in self._naive.people:
            wallets = await books.wallets.of(user_id(person))
            self._compare(last, operation, wallets_view(self._naive, person), [wallet_view(each) for each in wallets])
            for currency in sorted({account.currency for wallet in wallets for account in wallet.accounts}):
                limits = {each.kind: each.at(now).uses() for each in await books.limits.of(user_id(person), currency)}
                for kind, limit_kind in _LIMIT_KINDS.items():
                    found = tuple((use.window.value, use.limit, use.used, use.resets_at) for use in limits[limit_kind])
                    self._compare(last, operation, self._naive.uses(person, kind, currency, now), found)
        await self._look_back(last, operation)
        self._compare(last, operation, [], books.findings())

    async def _look_back(self, last: int, operation: Operation) -> None:
        own = tuple(map(wallet_id, self._naive.wallets))
        histories: dict[WalletId, list[object]] = {place: [] for place in own}
        query = StatementQuery(wallet_ids=own, limit=2 * WORLD_OPERATIONS)
        for line in (await self._core.books.statements.page(query)).lines:
            assert line.own is not None
            histories[line.own.wallet_id].append((line.direction.value, transaction_view(line.transaction)))
        for number, wallet in self._naive.wallets.items():
            expected = [(way, kept_view(kept)) for way, kept in self._naive.lines(number)]
            found = histories[wallet_id(number)]
            if expected != found:
                first = [each == other for each, other in zip(expected, found, strict=False)] + [False]
                place = first.index(False)
                look = Look(person=wallet.owner, wallet=number, currency="history")
                raise self._report.mismatch(last, look, expected[place : place + 1], found[place : place + 1])


def _account(asked: OpenWallet | HoldCurrency) -> Account:
    return Account(
        id=account_id(asked.wallet, asked.currency),
        wallet_id=wallet_id(asked.wallet),
        user_id=user_id(asked.person),
        currency=asked.currency,
    )


def _granted(currency: str) -> dict[LimitKind, Caps]:
    daily, monthly = GRANTED[currency]
    return dict.fromkeys(LimitKind, Caps(daily=daily, monthly=monthly))


def _refused(found: object) -> dict[str, object]:
    if found is WalletRefusal.NOT_FOUND:
        return {"code": "wallet_not_found"}
    return {"code": found if isinstance(found, WalletRefusal) else None}
