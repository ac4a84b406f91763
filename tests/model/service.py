"""The running service, made to live a run over HTTP and held against the model at each step."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from tests.model.answers import Answer
from tests.model.generator import Generator, Profile
from tests.model.naive import NaiveBooks
from tests.model.operations import (
    GRANTED,
    WALLETS_MAX,
    By,
    ChangePerson,
    HoldCurrency,
    Kind,
    Look,
    LookBack,
    LowerLimits,
    MakeDefault,
    Move,
    OpenWallet,
    Operation,
    SetStanding,
    SignUp,
    To,
    written,
)
from tests.model.runs import Report
from tests.model.wire_views import (
    balance_view,
    limits_view,
    line_view,
    move_view,
    refusal_view,
    system_view,
    told,
    wallet_view,
)
from tests.races import client
from tests.races.books import findings
from wallet_core.ledger.accounts import system_wallet_id

PROFILE: Final = Profile(
    weights={
        Move: 80.0,
        SetStanding: 2.5,
        LowerLimits: 2.0,
        ChangePerson: 1.0,
        Look: 7.0,
        LookBack: 4.0,
        MakeDefault: 0.8,
        HoldCurrency: 1.2,
        OpenWallet: 2.0,
        SignUp: 0.8,
    },
    people_max=9,
    gateways=("sandbox",),
    keyless=0.02,
    whales=0.02,
    hot=0.2,
)

_PASSWORD: Final = "a long enough password"
_SECONDS_MAX: Final = 20.0


def environment() -> Mapping[str, str]:
    """What the service is to be told, so that it grants what the model grants."""
    limits = ",".join(
        f"{currency}={written(daily, currency)}/{written(monthly, currency)}"
        for currency, (daily, monthly) in GRANTED.items()
    )
    return {
        "CURRENCIES": ",".join(GRANTED),
        "TRANSFER_LIMITS": limits,
        "WITHDRAWAL_LIMITS": limits,
        "WALLETS_PER_PERSON": str(WALLETS_MAX),
        "ACCESS_TOKEN_SECONDS": "86400",
    }


class ServiceBooks:
    """Carries operations out by requests, each to a client of chance; operators' by SQL, as the owner of the tables."""

    def __init__(self, clients: Sequence[client.Api], owner: "asyncpg.Connection[asyncpg.Record]", seed: str) -> None:
        self._clients = clients
        self._owner = owner
        self._chance = random.Random(seed)
        self._people: dict[int, str] = {}
        self._tokens: dict[int, str] = {}
        self._admins_token: str | None = None
        self.wallets: dict[int, str] = {}

    async def do(self, operation: Operation) -> client.Answer | None:
        """Carry it out; its answer, where anything answers."""
        match operation:
            case SignUp():
                return await self._sign_up(operation)
            case OpenWallet():
                body = {"name": operation.name, "currency": operation.currency}
                answer = await self._ask("POST", "/wallets", operation.person, body)
                if answer.status == 201:
                    self.wallets[operation.wallet] = answer.json["id"]
                return answer
            case ChangePerson():
                given = {"name": operation.name, "time_zone": operation.time_zone}
                body = {name: value for name, value in given.items() if value is not None}
                return await self._ask("PATCH", "/me", operation.person, body)
            case LowerLimits():
                return await self._lower_limits(operation)
            case SetStanding():
                await self._set_standing(operation)
                return None
            case Move():
                return await self._move(operation)
            case HoldCurrency() | MakeDefault() | Look() | LookBack():
                return await self._in_a_wallet(operation)
            case unknown:
                raise AssertionError(f"{unknown} is nothing for the service")

    async def wallet(self, person: int, number: int) -> Any:
        """A wallet as its owner sees it."""
        return (await self._ask("GET", f"/wallets/{self.wallets[number]}", person)).json

    async def wallet_ids(self, person: int) -> list[str]:
        """The ids of a person's wallets, newest first."""
        return [each["id"] for each in (await self._ask("GET", "/wallets", person)).json["data"]]

    async def limits(self, person: int, currency: str) -> Any:
        """A person's limits as they see them."""
        return (await self._ask("GET", f"/limits?currency={currency}", person)).json

    async def history(self, person: int, number: int) -> list[Any]:
        """All that a wallet's history shows, page by page."""
        lines: list[Any] = []
        cursor = ""
        while True:
            path = f"/wallets/{self.wallets[number]}/transactions?limit=37{cursor}"
            page = (await self._ask("GET", path, person)).json
            lines += page["data"]
            if page["next_cursor"] is None:
                return lines
            cursor = f"&cursor={page['next_cursor']}"

    async def recorded(self) -> dict[str, str]:
        """The transactions that there are: the id of each by the request that made it."""
        rows = await self._owner.fetch("SELECT id, request_id FROM transactions")
        return {row["request_id"]: str(row["id"]) for row in rows}

    async def system(self) -> dict[tuple[str, str], tuple[int, int]]:
        """The balances and versions of the system's accounts that something moved."""
        rows = await self._owner.fetch(
            "SELECT w.name, a.currency, a.balance, a.version FROM accounts a JOIN wallets w ON w.id = a.wallet_id"
            " WHERE a.user_id IS NULL AND a.version > 0"
        )
        return {(row["name"], row["currency"]): (row["balance"], row["version"]) for row in rows}

    async def _sign_up(self, asked: SignUp) -> client.Answer:
        body = {
            "name": f"Person {asked.person}",
            "email": f"p{asked.email_of}@example.com",
            "phone": _phone(asked.person),
            "password": _PASSWORD,
        }
        answer = await self._clients[0].ask("POST", "/auth/signup", body=body)
        if answer.status == 201:
            # The codes are no part of the model: its people have shown at once that their addresses are theirs.
            await self._owner.execute(
                "UPDATE users SET email_verified_at = now(), phone_verified_at = now() WHERE id = $1", answer.json["id"]
            )
            body = {"email": f"p{asked.person}@example.com", "password": _PASSWORD}
            login = await self._clients[-1].ask("POST", "/auth/login", body=body)
            self._tokens[asked.person] = login.json["access_token"]
        return answer

    async def _lower_limits(self, asked: LowerLimits) -> client.Answer:
        given = {"daily": asked.daily, "monthly": asked.monthly}
        caps = {name: written(amount, asked.currency) for name, amount in given.items() if amount is not None}
        kind = "transfer" if asked.outgoing is Kind.TRANSFER else "withdrawal"
        return await self._ask("PUT", "/limits", asked.person, {"currency": asked.currency, kind: caps})

    async def _set_standing(self, asked: SetStanding) -> None:
        """Freeze and unfreeze as an admin does. The model deactivates single wallets, which nobody can but by SQL."""
        wallet, status = self.wallets[asked.wallet], asked.standing.value
        verb = "freeze" if status == "frozen" else "unfreeze"
        body = {"reason": "The model says so"}
        answer = await self._clients[0].ask(
            "POST", f"/admin/wallets/{wallet}/{verb}", token=await self._admin(), body=body
        )
        # 409 where it stands so already.
        assert answer.status in (200, 409), answer.body
        await self._owner.execute("UPDATE accounts SET status = $2 WHERE wallet_id = $1", wallet, status)

    async def _admin(self) -> str:
        """The token of somebody who administers and is no part of the model."""
        if self._admins_token is None:
            address = {"email": "root@example.com", "password": _PASSWORD}
            signed_up = await self._clients[0].ask("POST", "/auth/signup", body={"name": "Root", **address})
            await self._owner.execute("UPDATE users SET role = 'admin' WHERE id = $1", signed_up.json["id"])
            login = await self._clients[0].ask("POST", "/auth/login", body=address)
            self._admins_token = str(login.json["access_token"])
        return self._admins_token

    async def _in_a_wallet(self, asked: HoldCurrency | MakeDefault | Look | LookBack) -> client.Answer:
        path = f"/wallets/{self.wallets[asked.wallet]}"
        match asked:
            case HoldCurrency():
                return await self._ask("POST", f"{path}/currencies", asked.person, {"currency": asked.currency})
            case MakeDefault():
                return await self._ask("PATCH", path, asked.person, {"default": True})
            case Look():
                return await self._ask("GET", f"{path}/balance?currency={asked.currency}", asked.person)
            case LookBack():
                return await self._ask("GET", f"{path}/transactions?limit={asked.lines}", asked.person)

    async def _move(self, move: Move) -> client.Answer:
        body: dict[str, object] = {"amount": written(move.amount, move.currency)}
        if move.names_currency:
            body["currency"] = move.currency
        action = move.kind.value
        match move.kind:
            case Kind.DEPOSIT:
                action = "add-funds"
                # Left out now and then, for it is the gateway that is meant then.
                body |= {"gateway": move.words} if move.names_currency else {}
            case Kind.WITHDRAW:
                body |= {} if move.words is None else {"destination": move.words}
            case Kind.TRANSFER:
                assert move.to is not None
                body |= self._recipient(move.to) | ({} if move.words is None else {"note": move.words})
        wallet = self.wallets.get(move.wallet, _no_wallet(move.wallet))
        return await self._ask("POST", f"/wallets/{wallet}/{action}", move.person, body, key=move.key)

    def _recipient(self, to: To) -> dict[str, object]:
        by, number = to
        match by:
            case By.EMAIL:
                return {"to": f"P{number}@example.com"}
            case By.PHONE:
                return {"to": _phone(number)}
            case By.NOBODY:
                return {"to": f"nobody{number}@example.com"}
            case By.WALLET:
                return {"to_wallet_id": self.wallets.get(number, _no_wallet(number))}
            case By.SYSTEM:
                return {"to_wallet_id": str(system_wallet_id("payout"))}
            case By.NOWHERE:
                return {"to_wallet_id": _no_wallet(number)}

    async def _ask(
        self, method: str, path: str, person: int, body: object = None, key: str | None = None
    ) -> client.Answer:
        api = self._chance.choice(self._clients)
        return await api.ask(method, path, token=self._tokens[person], key=key, body=body)


class ServiceRun:
    """A life of the service. Its days are real ones: what is asked depends on the date where limits are nearly used."""

    def __init__(self, report: Report, service: ServiceBooks) -> None:
        self._report = report
        self._service = service
        self._naive = NaiveBooks()
        self._generator = Generator(self._naive, seed=f"{report.seed}/http", profile=PROFILE)
        self._first: dict[int, client.Answer] = {}
        self._ids: dict[int, str] = {}

    async def live(self, operations: int) -> None:
        """So many operations, and then a look at everything. Raises Mismatch."""
        for number in range(1, operations + 1):
            began = datetime.now(UTC)
            operation = self._generator.next(began)
            got = await self._service.do(operation)
            answer = self._agreed(number, operation, got, (began, datetime.now(UTC)))
            self._report.count(number, operation, answer)
            self._report.progress(number, operations)
        await self._look_at_everything(operations)

    def _agreed(
        self, number: int, operation: Operation, got: client.Answer | None, moments: tuple[datetime, datetime]
    ) -> Answer:
        """The model's answer, where the service gave the same. Raises Mismatch where it did not."""
        if not isinstance(operation, Move):
            answer = self._naive.do(number, operation, moments[0])
            if got is not None:
                self._compare(number, operation, self._plain_view(operation, answer), told(operation, got))
            return answer
        assert got is not None
        refusal = _form_refusal(self._naive, operation)
        if refusal is not None:
            self._compare(number, operation, refusal_view(refusal), told(operation, got))
            return Answer(code=refusal)
        for moment in moments:
            # A day may have begun anywhere between the question and the answer.
            answer = self._naive.judge(number, operation, moment)
            expected, found = self._move_views(operation, answer, got)
            if expected == found:
                break
        self._compare(number, operation, expected, found)
        self._naive.keep(operation, answer)
        if answer.kept is not None and not answer.replayed:
            self._first[number] = got
            if got.status == 201:
                self._ids[number] = got.json["id"]
        return answer

    def _move_views(self, move: Move, answer: Answer, got: client.Answer) -> tuple[dict[str, Any], dict[str, Any]]:
        expected, found = move_view(move, answer, self._service.wallets), told(move, got)
        if answer.replayed and answer.kept is not None:
            first = self._first[answer.kept.number]
            expected["bytes"], found["bytes"] = first.body, got.body
        return expected, found

    def _plain_view(self, operation: Operation, answer: Answer) -> dict[str, Any]:
        if answer.code is not None:
            return refusal_view(answer.code)
        match operation:
            case SignUp() | OpenWallet() | HoldCurrency():
                return {"status": 201}
            case Look():
                return {"status": 200, "body": balance_view(self._naive, operation, self._service.wallets)}
            case LookBack():
                assert isinstance(answer.shown, list)
                return {
                    "status": 200,
                    "body": [line_view(way, kept, self._service.wallets) for way, kept in answer.shown],
                }
            case _:
                return {"status": 200}

    def _compare(self, number: int, operation: Operation, expected: object, found: object) -> None:
        if expected != found:
            raise self._report.mismatch(number, operation, expected, found)

    async def _look_at_everything(self, last: int) -> None:
        naive, service = self._naive, self._service
        everything = Look(person=0, wallet=0, currency="everything")
        for person in naive.people:
            own = [number for number, wallet in naive.wallets.items() if wallet.owner == person]
            newest_first = [service.wallets[number] for number in reversed(own)]
            self._compare(last, everything, newest_first, await service.wallet_ids(person))
            for number in own:
                look = Look(person=person, wallet=number, currency="all of them")
                self._compare(last, look, wallet_view(naive, number), told(look, await service.wallet(person, number)))
                await self._look_back(last, person, number)
            for currency in GRANTED:
                look = Look(person=person, wallet=0, currency=f"limits in {currency}")
                before = limits_view(naive, person, currency, datetime.now(UTC))
                found = await service.limits(person, currency)
                if found != before:
                    self._compare(last, look, limits_view(naive, person, currency, datetime.now(UTC)), found)
        await self._look_behind(last, everything)

    async def _look_back(self, last: int, person: int, number: int) -> None:
        """The history of a wallet, line by line and id by id; refusals say their ids only here."""
        look = LookBack(person=person, wallet=number, lines=0)
        lines = await self._service.history(person, number)
        expected = self._naive.lines(number)
        self._compare(last, look, len(expected), len(lines))
        for (way, kept), line in zip(expected, lines, strict=True):
            made = self._ids.setdefault(kept.number, line["id"])
            view = line_view(way, kept, self._service.wallets)
            self._compare(kept.number, look, (made, view), (line["id"], told(look, line)))

    async def _look_behind(self, last: int, look: Look) -> None:
        """What only the tables say: nothing was recorded besides, each line by the request that asked for it."""
        recorded = await self._service.recorded()
        made = {answer.headers["X-Request-Id"]: self._ids[number] for number, answer in self._first.items()}
        self._compare(last, look, made, recorded)
        self._compare(last, look, system_view(self._naive), await self._service.system())


def _form_refusal(naive: NaiveBooks, move: Move) -> str | None:
    """What is refused before it is a command: money that leaves without a key, and a wallet that gives no currency."""
    if move.key is None and move.kind is not Kind.DEPOSIT:
        return "idempotency_key_required"
    wallet = naive.wallets.get(move.wallet)
    if not move.names_currency and (wallet is None or wallet.owner != move.person):
        return "wallet_not_found"
    return None


def _phone(person: int) -> str:
    return f"+1415555{person:04}"


def _no_wallet(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012}"


async def run_service(report: Report, operations: int, clients: Sequence[client.Api], owner_dsn: str) -> None:
    """Live so many operations, and verify the books in the end. Raises Mismatch."""
    owner = await asyncpg.connect(owner_dsn, timeout=_SECONDS_MAX, command_timeout=_SECONDS_MAX)
    try:
        await ServiceRun(report, ServiceBooks(clients, owner, f"{report.seed}/clients")).live(operations)
    finally:
        await owner.close()
    assert await findings(owner_dsn) == []
