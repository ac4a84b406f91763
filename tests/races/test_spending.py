"""Many transfers at once from one wallet: what may be spent is spent, and not a cent more."""

import asyncio
from collections import Counter
from decimal import Decimal

from tests.races.books import findings
from tests.races.client import Api
from tests.races.serving import Service

TRANSFERS = 100
AFFORDABLE = 40


async def test_a_wallet_that_can_pay_forty_pays_exactly_forty_of_a_hundred(service: Service, api: Api) -> None:
    alice = await api.person("alice", funds="40.00")
    bob = await api.person("bob")
    spread = await service.spread(api, TRANSFERS)

    answers = await asyncio.gather(*[alice.transfer(bob, "1.00", key=f"k{n}") for n in range(TRANSFERS)])

    assert len(spread) == 2
    assert Counter((answer.status, answer.code) for answer in answers) == {
        (201, None): AFFORDABLE,
        (400, "insufficient_funds"): TRANSFERS - AFFORDABLE,
    }
    assert await alice.balance() == Decimal("0.00")
    assert await bob.balance() == Decimal("40.00")
    assert await findings(service.database) == []


async def test_a_daily_limit_that_admits_forty_admits_exactly_forty_of_a_hundred(service: Service, api: Api) -> None:
    alice = await api.person("alice", funds="1000.00")
    await alice.limit_transfers("40.00")
    bob = await api.person("bob")
    spread = await service.spread(api, TRANSFERS)

    answers = await asyncio.gather(*[alice.transfer(bob, "1.00", key=f"k{n}") for n in range(TRANSFERS)])

    refused = [answer.json for answer in answers if answer.status == 403]
    assert len(spread) == 2
    assert Counter((answer.status, answer.code) for answer in answers) == {
        (201, None): AFFORDABLE,
        (403, "limit_exceeded"): TRANSFERS - AFFORDABLE,
    }
    assert {(each["limit"], each["used"], each["remaining"]) for each in refused} == {("40.00", "40.00", "0.00")}
    assert await alice.balance() == Decimal("960.00")
    assert await bob.balance() == Decimal("40.00")
    assert await findings(service.database) == []
