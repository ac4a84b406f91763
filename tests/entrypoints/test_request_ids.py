"""Whatever is logged names the requests that it is about, and no other."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from structlog.contextvars import bind_contextvars

from entrypoints.metrics.figures import Figures
from entrypoints.metrics.observers import BatchFigures
from tests.entrypoints.test_log_setup import lines, stream
from wallet_core.ledger.batching import BatchingLedger
from wallet_core.ledger.commands import Command
from wallet_core.ledger.observing import LedgerEntrance, ObservedLedger
from wallet_core.ledger.outcomes import Outcome
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit
from wallet_core.testing.contracts.books import a_person

__all__ = ["stream"]


class LoggingLedger:
    """A Ledger that has something to say of each batch, once it may go on."""

    def __init__(self, books: InMemoryBooks) -> None:
        self._books = books
        self.may_go_on = asyncio.Event()

    async def post(self, commands: Sequence[Command]) -> list[Outcome]:
        await self.may_go_on.wait()
        logging.getLogger("ledger").info("a batch of %d", len(commands))
        return await self._books.ledger.post(commands)


async def test_a_batch_names_the_requests_that_it_is_for_and_nobody_elses(stream) -> None:
    books = InMemoryBooks()
    people = [await a_person(books) for _ in range(4)]
    ledger = LoggingLedger(books)
    batching = BatchingLedger(ObservedLedger(ledger, BatchFigures(Figures())), in_flight_max=1)
    entrance = LedgerEntrance(batching)

    async def ask(number: int) -> None:
        bind_contextvars(request_id=f"request-{number}", user_id=f"user-{number}")
        await entrance.post([replace(a_deposit(people[number], amount=5), request_id=f"request-{number}")])
        logging.getLogger("http").info("answered")

    first = asyncio.create_task(ask(0))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(ask(number)) for number in (1, 2, 3)]
    await asyncio.sleep(0.01)
    ledger.may_go_on.set()
    await asyncio.gather(first, *others)

    told = lines(stream)
    batches = [line for line in told if line["logger"] == "ledger"]
    assert [line["event"] for line in batches] == ["a batch of 1", "a batch of 3"]
    assert [line["request_id"] for line in batches] == ["request-0", "request-1"]
    assert [line.get("request_ids") for line in batches] == [None, [f"request-{number}" for number in (1, 2, 3)]]
    assert all("user_id" not in line for line in batches)
    assert {(line["request_id"], line["user_id"]) for line in told if line["logger"] == "http"} == {
        (f"request-{number}", f"user-{number}") for number in range(4)
    }
    assert entrance.inside == 0
