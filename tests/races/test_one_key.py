"""One idempotency key, many requests at once: one decision, and the same answer for everybody."""

import asyncio
from collections import Counter
from decimal import Decimal

from tests.races.books import findings, settled
from tests.races.client import Api
from tests.races.serving import Service

POSTS = 50


async def test_fifty_posts_of_one_key_move_the_money_once_and_answer_alike(service: Service, api: Api) -> None:
    alice = await api.person("alice", funds="100.00")
    bob = await api.person("bob")
    spread = await service.spread(api, POSTS)

    answers = await asyncio.gather(*[alice.transfer(bob, "7.00", key="only-once") for _ in range(POSTS)])

    assert len(spread) == 2
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: POSTS - 1}
    assert await alice.balance() == Decimal("93.00")
    assert await bob.balance() == Decimal("7.00")
    assert await findings(service.database) == []


async def test_fifty_posts_of_one_key_that_is_declined_are_declined_alike(service: Service, api: Api) -> None:
    alice = await api.person("alice", funds="100.00")
    await alice.limit_transfers("5.00")
    bob = await api.person("bob")
    await service.spread(api, POSTS)

    poor = await asyncio.gather(*[alice.transfer(bob, "101.00", key="too-much") for _ in range(POSTS)])
    limited = await asyncio.gather(*[alice.transfer(bob, "6.00", key="over-the-limit") for _ in range(POSTS)])

    assert {(answer.status, answer.code) for answer in poor} == {(400, "insufficient_funds")}
    assert {(answer.status, answer.code) for answer in limited} == {(403, "limit_exceeded")}
    for answers in (poor, limited):
        assert len({answer.body for answer in answers}) == 1
        assert Counter(answer.replayed for answer in answers) == {False: 1, True: POSTS - 1}
    assert await settled(service.database, alice.id) == {"too-much": "FAILED", "over-the-limit": "FAILED"}
    assert await alice.balance() == Decimal("100.00")
    assert await findings(service.database) == []


async def test_one_key_for_two_wallets_at_once_is_good_for_one_of_them(service: Service, api: Api) -> None:
    alice = await api.person("alice", funds="50.00")
    other = alice.at((await alice.open_wallet()).json["id"])
    await other.add_funds("50.00")
    bob = await api.person("bob")
    spread = await service.spread(api, POSTS)
    rounds = 20

    for number in range(rounds):
        key = f"torn-{number}"
        asked = [alice.transfer(bob, "1.00", key=key), other.transfer(bob, "2.00", key=key)]
        first, second = await asyncio.gather(*(asked if number % 2 else reversed(asked)))

        assert sorted((first.status, second.status)) == [201, 422]
        assert {first.code, second.code} == {None, "idempotency_key_reused"}

    assert len(spread) == 2
    assert await settled(service.database, alice.id) == {f"torn-{number}": "COMPLETED" for number in range(rounds)}
    assert await alice.balance() + await other.balance() + await bob.balance() == Decimal("100.00")
    assert await findings(service.database) == []


async def test_one_key_for_many_different_requests_at_once_is_good_for_one_of_them(service: Service, api: Api) -> None:
    alice = await api.person("alice", funds="10.00")
    other = alice.at((await alice.open_wallet()).json["id"])
    bob = await api.person("bob")
    await service.spread(api, POSTS)
    # The second wallet is empty: where it comes first the key stands for a decline.
    wallets = [alice, other]

    answers = await asyncio.gather(
        *[wallets[number % 2].transfer(bob, f"{number + 1}.00", key="torn") for number in range(10)]
    )

    decided = [answer for answer in answers if answer.status != 422]
    assert [answer.code for answer in answers].count("idempotency_key_reused") == 9
    assert [answer.status in (201, 400) for answer in decided] == [True]
    assert len(await settled(service.database, alice.id)) == 1
    assert await findings(service.database) == []
