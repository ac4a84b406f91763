"""Freezes and deactivations amid movements, at two processes: after the change nothing moves, to the entry."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import asyncpg
import pytest

from tests.races.books import findings
from tests.races.client import Answer, Api, Person
from tests.races.serving import Service

LANES = 8
FREEZES_EACH = 75
DEACTIVATIONS_EACH = 50
LATEST_SECONDS = 0.012
"""How long after a burst of movements has begun its change is asked for at the latest."""

_PASSWORD = "a long enough password"
_WHY = {"reason": "The test says so"}


@dataclass(frozen=True, slots=True)
class Lane:
    """Two people, four connections that move money (two at each process), and an admin's at one of the two."""

    alice: Person
    bob: Person
    movers: Sequence[Api]
    admin: Person

    async def change(self, path: str) -> Answer:
        """Change a state as the admin."""
        return await self.admin.api.ask("POST", f"/admin/{path}", token=self.admin.token, body=_WHY)

    async def burst(self, asks: Sequence[Callable[[Api], Awaitable[Answer]]], path: str, late: float) -> list[Answer]:
        """Ask all at once, at either process, and for the change a little later; the change's answer comes last."""

        async def changed() -> Answer:
            await asyncio.sleep(late)
            return await self.change(path)

        asked = [ask(mover) for ask, mover in zip(asks, self.movers, strict=True)]
        return list(await asyncio.gather(*asked, changed()))


@pytest.fixture
async def books(service: Service) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The database itself, with the application's rights."""
    connection = await asyncpg.connect(service.database, timeout=10)
    yield connection
    await connection.close()


@pytest.fixture
async def lanes(service: Service, api: Api, books: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[list[Lane]]:
    """Lanes that have no wallet in common; the admins of neighbours ask at different processes."""
    root = await api.person("root")
    await books.execute("UPDATE users SET role = 'admin' WHERE id = $1::uuid", root.id)
    async with AsyncExitStack() as stack:
        each = LANES * 5 // 2
        clients = await service.clients_at_each_process(stack, each)
        here, there = clients[:each], clients[each:]
        yield [
            Lane(
                await api.person("alice", funds="10000.00"),
                await api.person("bob", funds="10000.00"),
                (here.pop(), here.pop(), there.pop(), there.pop()),
                root.by((here if number % 2 else there).pop()),
            )
            for number in range(LANES)
        ]


async def test_no_movement_comes_after_a_freeze_in_six_hundred_races(
    service: Service, lanes: list[Lane], books: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    told = [each for lane in await asyncio.gather(*map(_freeze_again_and_again, lanes)) for each in lane]

    codes = Counter(code for burst in told for code in burst)
    torn = sum(1 for burst in told if None in burst and len(set(burst)) > 1)
    print(f"{len(told)} freezes, {torn} of them between the movements of their burst; {dict(codes)}")
    assert len(told) == LANES * FREEZES_EACH
    assert set(codes) == {None, "wallet_frozen", "recipient_unavailable"}
    assert torn > LANES * FREEZES_EACH // 20
    assert await _moved_while_barred(books, "wallet.frozen") == []
    assert await findings(service.database) == []


async def test_no_movement_comes_after_a_deactivation_in_four_hundred_races(
    service: Service, lanes: list[Lane], books: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    told = [each for lane in await asyncio.gather(*map(_deactivate_again_and_again, lanes)) for each in lane]

    codes = Counter(code for burst in told for code in burst)
    torn = sum(1 for burst in told if None in burst and len(set(burst)) > 1)
    print(f"{len(told)} deactivations, {torn} of them between the movements of their burst; {dict(codes)}")
    assert len(told) == LANES * DEACTIVATIONS_EACH
    assert set(codes) <= {None, "account_deactivated", "recipient_unavailable", "session_ended"}
    assert torn > LANES * DEACTIVATIONS_EACH // 20
    assert await _moved_while_barred(books, "person.deactivated") == []
    assert await findings(service.database) == []


async def test_the_tokens_of_whoever_is_deactivated_are_dead_at_the_other_process_within_a_second(
    lanes: list[Lane],
) -> None:
    async def seconds_let_in(lane: Lane) -> float:
        loop = asyncio.get_running_loop()
        # At either process, as the session is known at both of them by then.
        people = [lane.alice.by(lane.movers[0]), lane.alice.by(lane.movers[2])]
        assert [(await each.show_balance()).status for each in people] == [200, 200]
        assert (await lane.change(f"users/{lane.alice.id}/deactivate")).status == 200
        began = let_in_at = loop.time()
        for person in people:
            while (sent_at := loop.time()) - began < 10 and (await person.show_balance()).status == 200:
                let_in_at = sent_at
                await asyncio.sleep(0.01)
        assert {(await each.show_balance()).code for each in people} == {"session_ended"}
        return let_in_at - began

    seconds = await asyncio.gather(*map(seconds_let_in, lanes))

    print(f"the last token was let in {max(seconds):.2f} s after its person was deactivated")
    assert max(seconds) < 1


async def _freeze_again_and_again(lane: Lane) -> list[list[str | None]]:
    """What the movements of each burst were told."""
    alice, bob, told = lane.alice, lane.bob, []
    chance = random.Random(alice.id)
    for number in range(FREEZES_EACH):
        asks: list[Callable[[Api], Awaitable[Answer]]] = [
            lambda api, key=f"out-{number}": alice.by(api).transfer(bob, "1.00", key=key),
            lambda api, key=f"in-{number}": bob.by(api).transfer(alice, "1.00", key=key),
            lambda api, key=f"away-{number}": api.ask(
                "POST", f"/wallets/{alice.wallet_id}/withdraw", token=alice.token, key=key, body={"amount": "1.00"}
            ),
            lambda api, key=f"add-{number}": alice.by(api).add_funds("1.00", key=key),
        ]
        chance.shuffle(asks)

        late_by, path = chance.uniform(0, LATEST_SECONDS), f"wallets/{alice.wallet_id}/freeze"
        *answers, frozen = await lane.burst(asks, path, late_by)
        late = await alice.by(lane.movers[number % 4]).transfer(bob, "1.00", key=f"late-{number}")
        thawed = await lane.change(f"wallets/{alice.wallet_id}/unfreeze")

        assert (frozen.status, thawed.status) == (200, 200)
        assert late.code == "wallet_frozen"
        told.append([answer.code for answer in answers])
    return told


async def _deactivate_again_and_again(lane: Lane) -> list[list[str | None]]:
    """What the movements of each burst were told."""
    alice, bob, told = lane.alice, lane.bob, []
    chance = random.Random(alice.id)
    email = (await alice.api.ask("GET", "/me", token=alice.token)).json["email"]
    for number in range(DEACTIVATIONS_EACH):
        alice = await _logged_in(alice, email)
        asks: list[Callable[[Api], Awaitable[Answer]]] = [
            lambda api, who=alice, key=f"out-{number}": who.by(api).transfer(bob, "1.00", key=key),
            lambda api, who=alice, key=f"more-{number}": who.by(api).transfer(bob, "2.00", key=key),
            lambda api, who=alice, key=f"in-{number}": bob.by(api).transfer(who, "1.00", key=key),
            lambda api, who=alice, key=f"add-{number}": who.by(api).add_funds("2.00", key=key),
        ]
        chance.shuffle(asks)

        late_by, path = chance.uniform(0, LATEST_SECONDS), f"users/{alice.id}/deactivate"
        *answers, gone = await lane.burst(asks, path, late_by)
        late = await bob.by(lane.movers[number % 4]).transfer(alice, "1.00", key=f"late-{number}")
        back = await lane.change(f"users/{alice.id}/activate")

        assert (gone.status, back.status) == (200, 200)
        assert late.code == "recipient_unavailable"
        told.append([answer.code for answer in answers])
    return told


async def _logged_in(person: Person, email: str) -> Person:
    """The same person in a new session."""
    shown = await person.api.ask("POST", "/auth/login", body={"email": email, "password": _PASSWORD})
    assert shown.status == 200, shown.body
    return replace(person, token=shown.json["access_token"])


async def _moved_while_barred(books: "asyncpg.Connection[asyncpg.Record]", begins: str) -> list[object]:
    """The entries whose seq lies behind the version at which their account was barred and not behind the one at which
    that ended: by the numbers of the audit and of the entries, and no clock."""
    rows: list[object] = await books.fetch(
        """
        WITH spans AS (
            SELECT target_id, action, after -> 'accounts' AS barred,
                   lead(after -> 'accounts') OVER (PARTITION BY target_id ORDER BY place) AS free
              FROM audit
             WHERE action IN ('wallet.frozen', 'wallet.unfrozen', 'person.deactivated', 'person.activated'))
        SELECT e.account_id, e.seq
          FROM spans s
         CROSS JOIN LATERAL jsonb_each_text(s.barred) AS account (id, version)
          JOIN entries e ON e.account_id = CAST(account.id AS uuid) AND e.seq > CAST(account.version AS bigint)
                        AND e.seq <= coalesce(CAST(s.free ->> account.id AS bigint), 9223372036854775807)
         WHERE s.action = $1
        """,
        begins,
    )
    return rows
