"""Twenty people who move small money in two currencies, whatever happens, and ask until they know what became of it."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

import aiohttp

from tests.faults.history import Attempt, Operation, Record
from tests.races.client import Answer, Api, Person

PEOPLE = 20
CURRENCIES = ("USD", "EUR")
FUNDS = "12.00"
RETRY_SECONDS = 0.05
DEFINITE_SECONDS_MAX = 60.0
"""How long an operation is asked about again before it counts as one that never became definite."""

_ACTIONS = (("transfer", 60), ("withdraw", 15), ("add-funds", 25))
_UNDISTURBED = 40
_UNDISTURBED_SECONDS = 0.3
"""A fault takes a moment to be felt."""

_numbers = itertools.count(1)


async def people_at(api: Api, *, number: int = PEOPLE) -> list[Person]:
    """New people, each with a wallet in both currencies and little in it."""

    async def newcomer() -> Person:
        person = await api.person("faulty", funds=FUNDS)
        opened = await api.ask(
            "POST", f"/wallets/{person.wallet_id}/currencies", token=person.token, body={"currency": CURRENCIES[1]}
        )
        assert opened.status == 201, opened.body
        body = {"amount": FUNDS, "currency": CURRENCIES[1]}
        path = f"/wallets/{person.wallet_id}/add-funds"
        assert (await api.ask("POST", path, token=person.token, body=body)).status == 201
        return person

    return list(await asyncio.gather(*[newcomer() for _ in range(number)]))


class Workload:
    """Callers that each ask for one movement after the other, and look at a balance now and then.

    What is not definite is asked again with the same key, by the clients in turn, until it is.
    """

    def __init__(
        self, people: Sequence[Person], clients: Sequence[Api], *, seed: object, callers: int = 16, pause: float = 0.02
    ) -> None:
        self.people = people
        self._clients = clients
        self._seed = seed
        self._callers = callers
        self._pause = pause
        self._name = f"w{next(_numbers)}"
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.records: list[Record] = []
        self.reads: list[Attempt] = []
        self.last_unknown_at = -float("inf")
        self.in_a_row = 0
        self.in_flight = 0

    def start(self) -> None:
        """Begin, in the background."""
        self._tasks = [asyncio.create_task(self._call(number)) for number in range(self._callers)]

    async def stop(self) -> None:
        """Ask for nothing new; return when everything is definite."""
        self._over.set()
        await asyncio.gather(*self._tasks)

    async def settles_after(self, moment: float, *, seconds_max: float) -> float:
        """Return when so many answers in a row were definite; seconds from the moment to the last that was not."""
        self.in_a_row = 0
        async with asyncio.timeout(seconds_max):
            while self.in_a_row < _UNDISTURBED or time.perf_counter() - moment < _UNDISTURBED_SECONDS:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return max(self.last_unknown_at - moment, 0.0)

    async def ask_again(self, *, at_once: int = 24) -> int:
        """Repeat every operation with its key, at another client than before; how many."""
        places = asyncio.Semaphore(at_once)

        async def repeat(number: int, record: Record) -> None:
            async with places:
                client = self._clients[(number + 1) % len(self._clients)]
                record.again = await self.until_definite(record.operation, [client])

        await asyncio.gather(*[repeat(number, record) for number, record in enumerate(self.records)])
        return len(self.records)

    async def _call(self, number: int) -> None:
        dice = random.Random(f"{self._seed}/{self._name}/{number}")
        for count in itertools.count():
            if self._over.is_set():
                return
            operation = self.operation(dice, f"{self._name}-{number}-{count}")
            await self.ask(operation, first_client=number + count)
            if dice.random() < 0.25:
                await self._look(operation, number)
            await asyncio.sleep(self._pause)

    async def ask(self, operation: Operation, *, first_client: int = 0) -> Record:
        """Ask for a movement until it is known what became of it."""
        record = Record(operation)
        self.records.append(record)
        first = first_client % len(self._clients)
        await self.until_definite(operation, [*self._clients[first:], *self._clients[:first]], record.attempts)
        return record

    def operation(self, dice: random.Random, key: str) -> Operation:
        """Something that somebody might ask for."""
        action = dice.choices([name for name, _ in _ACTIONS], [weight for _, weight in _ACTIONS])[0]
        person = dice.randrange(len(self.people))
        other = (person + dice.randrange(1, len(self.people))) % len(self.people)
        # Deposits bring in about as much as withdrawals take, and a fifth of what is asked for is too much.
        amount = dice.randint(1, 900) if action != "withdraw" else dice.randint(1, 1500)
        return Operation(
            key=key,
            action=action,
            person=person,
            other=other if action == "transfer" else None,
            amount=amount if dice.random() < 0.8 or action == "add-funds" else amount + 4_000,
            currency=dice.choice(CURRENCIES),
        )

    async def until_definite(
        self, operation: Operation, clients: Sequence[Api], attempts: list[Attempt] | None = None
    ) -> Attempt:
        """Ask by the clients in turn until it is definite, or for too long; the last attempt."""
        deadline = time.monotonic() + DEFINITE_SECONDS_MAX
        for turn in itertools.count():
            attempt = await self.attempt(operation, clients[turn % len(clients)])
            if attempts is not None:
                attempts.append(attempt)
            if attempt.is_definite or time.monotonic() > deadline:
                return attempt
            await asyncio.sleep(RETRY_SECONDS)
        raise AssertionError("There is always another turn.")

    async def attempt(self, operation: Operation, client: Api) -> Attempt:
        """Ask once."""
        return await self._attempt(lambda: self._send(operation, client))

    async def _send(self, operation: Operation, client: Api) -> Answer:
        person = self.people[operation.person]
        body: dict[str, object] = {"amount": written(operation.amount), "currency": operation.currency}
        if operation.other is not None:
            body["to_wallet_id"] = self.people[operation.other].wallet_id
        path = f"/wallets/{person.wallet_id}/{operation.action}"
        return await client.ask("POST", path, token=person.token, key=operation.key, body=body)

    async def _look(self, operation: Operation, number: int) -> None:
        person = self.people[operation.person]
        client = self._clients[number % len(self._clients)]
        path = f"/wallets/{person.wallet_id}/balance?currency={operation.currency}"
        self.reads.append(await self._attempt(lambda: client.ask("GET", path, token=person.token), counts=False))

    async def _attempt(self, ask: Callable[[], Awaitable[Answer]], *, counts: bool = True) -> Attempt:
        began = time.perf_counter()
        self.in_flight += 1
        try:
            answer: Answer | None = await ask()
        except (aiohttp.ClientError, OSError, TimeoutError):
            answer = None
        finally:
            self.in_flight -= 1
        attempt = Attempt(began=began, ended=time.perf_counter(), answer=answer)
        if counts and not attempt.is_definite:
            self.last_unknown_at = attempt.ended
            self.in_a_row = 0
        elif counts:
            self.in_a_row += 1
        return attempt


def written(cents: int) -> str:
    """Cents as a request says them."""
    return f"{Decimal(cents).scaleb(-2):.2f}"


def cents(amount: str) -> int:
    """What an answer says, in cents."""
    return int(Decimal(amount).scaleb(2))
