"""A client goes away before its answer: the movement is there as a whole or not at all, and the key tells which."""

import asyncio
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

import asyncpg

from entrypoints.embedded.ports import LOOPBACK
from tests.outages.patience import until
from tests.races.books import findings, settled
from tests.races.client import Api, Person
from tests.races.serving import Service

LEAVERS = 100
_RESET_INSTEAD_OF_GOODBYE = struct.pack("ii", 1, 0)


async def test_a_transfer_whose_client_left_is_whole_or_not_there_and_its_key_tells(service: Service, api: Api) -> None:
    alice = await api.person("alice", funds="1000.00")
    bob = await api.person("bob")
    choice = random.Random(7)

    await asyncio.gather(
        *[
            _send_and_leave(service, alice, bob, f"leave-{n}", after_seconds=choice.random() / 50)
            for n in range(LEAVERS)
        ]
    )
    kept = await _kept_in_the_end(service, alice)
    again = [await alice.transfer(bob, "1.00", key=f"leave-{number}") for number in range(LEAVERS)]

    print(f"{len(kept)} of {LEAVERS} movements happened though their clients had left")
    assert set(kept.values()) <= {"COMPLETED"}
    assert {answer.status for answer in again} == {201}
    assert Counter(answer.replayed for answer in again)[True] == len(kept)
    assert await alice.balance() == Decimal(1000 - LEAVERS)
    assert await bob.balance() == Decimal(LEAVERS)
    assert await findings(service.database) == []


async def test_a_client_that_leaves_takes_nothing_back_that_was_begun(
    service: Service, api: Api, owner_database: str
) -> None:
    alice = await api.person("alice", funds="10.00")
    bob = await api.person("bob")
    books = await asyncpg.connect(owner_database)
    holding = books.transaction()
    await holding.start()
    # The ledger waits for this row, and the request for the ledger.
    await books.execute("SELECT FROM accounts WHERE wallet_id = $1 FOR UPDATE", alice.wallet_id)

    leaving = asyncio.create_task(_send_and_leave(service, alice, bob, "begun", after_seconds=0.3))
    await _somebody_waits(books)
    await leaving
    await holding.rollback()
    kept = await _kept_in_the_end(service, alice)
    again = await alice.transfer(bob, "1.00", key="begun")

    await books.close()
    assert kept == {"begun": "COMPLETED"}
    assert (again.status, again.replayed) == (201, True)
    assert await findings(service.database) == []


async def test_a_client_that_leaves_before_the_movement_stops_nothing_either(
    service: Service, api: Api, owner_database: str
) -> None:
    alice = await api.person("alice", funds="10.00")
    books = await asyncpg.connect(owner_database)
    holding = books.transaction()
    await holding.start()
    # Adding funds reads the account before anything is posted: the client leaves while that is waited for.
    await books.execute("LOCK TABLE wallets IN ACCESS EXCLUSIVE MODE")

    leaving = asyncio.create_task(_send_and_leave(service, alice, None, "not-begun", after_seconds=0.3))
    await _somebody_waits(books)
    await leaving
    await holding.rollback()
    kept = await _kept_in_the_end(service, alice)

    await books.close()
    assert kept == {"not-begun": "COMPLETED"}
    assert await findings(service.database) == []


async def _send_and_leave(
    service: Service, source: Person, target: Person | None, key: str, *, after_seconds: float
) -> None:
    """Ask for a transfer of 1.00, or add 1.00 where there is nobody to send it to, and hang up without an answer."""
    action, body = "add-funds", {"amount": "1.00"}
    if target is not None:
        action, body = "transfer", {"amount": "1.00", "to_wallet_id": target.wallet_id}
    content = json.dumps(body).encode()
    head = (
        f"POST /wallets/{source.wallet_id}/{action} HTTP/1.1\r\nHost: {LOOPBACK}\r\n"
        f"Authorization: Bearer {source.token}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection(LOOPBACK, service.port)
    writer.write(head.encode() + content)
    await writer.drain()
    await asyncio.sleep(after_seconds)
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_INSTEAD_OF_GOODBYE)
    writer.transport.abort()


async def _somebody_waits(books: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Return once a statement waits for a lock that we hold."""

    async def waits() -> bool:
        return bool(await books.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    await until(waits, seconds_max=5)


async def _kept_in_the_end(service: Service, person: Person) -> Mapping[str, str]:
    """What the person's requests came to, once nothing is under way any more."""
    before, kept = None, await settled(service.database, person.id)
    while kept != before:
        await asyncio.sleep(0.5)
        before, kept = kept, await settled(service.database, person.id)
    return kept
