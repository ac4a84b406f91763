"""One code, many times at once, at two processes: it opens once, whatever it is given for."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from tests.races.authenticator import App, enrol
from tests.races.client import Answer, Api
from tests.races.serving import Service, client_of, served
from tests.services.databases import Databases, TestDatabase

AT_ONCE = 20

Owner = asyncpg.Connection


@pytest.fixture(scope="module")
def own_database(databases: Databases) -> Iterator[TestDatabase]:
    """A database of this module."""
    with databases.database() as database:
        yield database


@pytest.fixture(scope="module")
def service(
    own_database: TestDatabase, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The running service, which says all that it ever says. No number of wrong codes is too many for it: here they
    are told from right ones."""
    log = tmp_path_factory.mktemp("service") / "service.log"
    loud = {"LOG_LEVEL": "DEBUG", "ACCESS_LOG": "true"}
    with served(log, database=own_database.dsn, redis_url=redis_server, FAILURES_FREE="100", **loud) as service:
        yield service


@pytest.fixture
async def api(service: Service) -> AsyncIterator[Api]:
    """Requests to it."""
    async with client_of(service) as api:
        yield api


@pytest.fixture
async def owner(own_database: TestDatabase) -> AsyncIterator["Owner[asyncpg.Record]"]:
    """The owner's connection to the database."""
    connection = await asyncpg.connect(own_database.owner_dsn, timeout=10)
    yield connection
    await connection.close()


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


async def test_of_twenty_log_ins_with_one_code_at_once_one_is_let_in(
    service: Service, api: Api, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 21."""
    app = await enrol(api, "ada", owner)
    spread = await service.spread(api, AT_ONCE)
    code = await app.code()

    answers = await asyncio.gather(*(app.log_in(code=code) for _ in range(AT_ONCE)))

    assert len(spread) == 2
    assert statuses(answers) == {200: 1, 401: AT_ONCE - 1}


async def test_of_twenty_answers_to_one_challenge_at_once_one_is_let_in(
    service: Service, api: Api, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 21."""
    app = await enrol(api, "ada", owner)
    challenge = await app.challenge()
    spread = await service.spread(api, AT_ONCE)
    code = await app.code()

    answers = await asyncio.gather(*(app.answer(challenge, code) for _ in range(AT_ONCE)))

    assert len(spread) == 2
    assert statuses(answers) == {200: 1, 401: AT_ONCE - 1}


async def test_of_twenty_proofs_by_one_code_at_once_one_counts(
    service: Service, api: Api, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 21."""
    app = await enrol(api, "ada", owner)
    spread = await service.spread(api, AT_ONCE)
    code = await app.code()

    answers = await asyncio.gather(*(app.step_up(code) for _ in range(AT_ONCE)))

    assert len(spread) == 2
    assert statuses(answers) == {204: 1, 401: AT_ONCE - 1}


async def test_of_twenty_uses_of_one_recovery_code_at_once_one_is_let_in(
    service: Service, api: Api, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 26."""
    app = await enrol(api, "ada", owner)
    spread = await service.spread(api, AT_ONCE)

    answers = await asyncio.gather(*(app.log_in(code=app.recovery_codes[4]) for _ in range(AT_ONCE)))

    assert len(spread) == 2
    assert statuses(answers) == {200: 1, 401: AT_ONCE - 1}


async def test_what_is_proved_at_one_process_is_proved_at_the_other_at_once(
    service: Service, api: Api, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 28."""
    app = await enrol(api, "ada", owner, funds="500.00")
    bob = await api.person("bob")
    await owner.execute(
        "UPDATE sessions SET proved_at = proved_at - interval '5 minutes', changed_at = clock_timestamp() "
        "WHERE user_id = $1",
        app.person.id,
    )

    async with AsyncExitStack() as stack:
        here, there = await service.clients_at_each_process(stack, 1)
        for client in (here, there):
            await until_unproved(client, app)

        before = [await app.person.by(each).transfer(bob, "60.00", key="k1") for each in (here, there)]
        proved = await app.step_up(await app.code(), here)
        after = [await app.person.by(each).transfer(bob, "60.00", key="k2") for each in (there, here)]

    assert [(answer.status, answer.code) for answer in before] == [(403, "step_up_required")] * 2
    assert proved.status == 204
    assert [answer.status for answer in after] == [201, 201]


async def until_unproved(client: Api, app: App) -> None:
    """Return once the process at the other end knows that the person has no fresh proof."""
    deadline = time.monotonic() + 10
    while (await client.ask("POST", "/auth/2fa/setup", token=app.person.token)).status != 403:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_no_log_holds_a_secret_a_code_or_a_challenge(
    service: Service, api: Api, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 27."""
    app = await enrol(api, "canary", owner)
    challenge, code = await app.challenge(), await app.code()
    await app.answer(challenge, "000000")
    await app.answer(challenge, code)
    await app.log_in(code=app.recovery_codes[0])

    logged = service.log_text()

    assert "/auth/login" in logged
    for hidden in (app.secret, challenge, *app.recovery_codes, app.email):
        assert hidden not in logged
    assert f'"{code}"' not in logged
