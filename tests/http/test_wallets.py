"""Wallets: opening, naming, the default one, and the list."""

from dataclasses import replace

from entrypoints.api import api as opened_api
from entrypoints.settings import Settings
from tests.http.clients import NOBODY, client_of, sign_up


async def test_a_new_wallet_is_empty_and_the_first_one_is_the_default(api):
    carol = await sign_up(api, "Carol")

    second = await carol.post("/wallets", {"name": "Trips", "currency": "JPY"})

    first = await carol.get(carol.own())
    assert second.status == 201
    assert second.body == {
        "id": second.body["id"],
        "name": "Trips",
        "currency": "JPY",
        "status": "active",
        "default": False,
        "balances": [
            {"currency": "JPY", "balance": "0", "available": "0", "held": "0", "exponent": 0, "version": 0},
        ],
        "created_at": second.body["created_at"],
    }
    assert (first.body["name"], first.body["currency"], first.body["default"]) == ("USD wallet", "USD", True)
    assert first.body["balances"][0]["balance"] == "0.00"


async def test_a_wallet_may_be_opened_with_no_body_at_all(ada):
    answers = [await ada.post("/wallets") for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 201]
    assert [answer.body["name"] for answer in answers] == ["USD wallet 2", "USD wallet 3"]


async def test_a_person_has_no_default_wallet_until_they_open_one(api):
    carol = await sign_up(api, "Carol")
    await api.call("POST", "/auth/signup", {"name": "Dan", "email": "dan@example.com", "password": "a password"})
    token = await api.call("POST", "/auth/login", {"email": "dan@example.com", "password": "a password"})

    without = await api.call("GET", "/wallet", token=token.body["access_token"])
    with_one = await carol.get("/wallet")

    assert without.refused == (404, "not_found")
    assert with_one.body["id"] == carol.wallet_id


async def test_a_name_is_unique_among_a_persons_wallets_alone(ada, bob):
    first = await ada.open_wallet(name="Savings")
    second = await ada.open_wallet(name="Trips")

    opened = await ada.post("/wallets", {"name": "savings"})
    renamed = await ada.ask("PATCH", f"/wallets/{second}", {"name": "SAVINGS"})
    to_itself = await ada.ask("PATCH", f"/wallets/{first}", {"name": "SAVINGS"})
    others = await bob.post("/wallets", {"name": "Savings"})

    assert opened.refused == renamed.refused == (409, "wallet_name_taken")
    assert (to_itself.status, to_itself.body["name"]) == (200, "SAVINGS")
    assert others.status == 201


async def test_another_wallet_takes_over_as_the_default_and_none_merely_ends_it(ada):
    savings = await ada.open_wallet(name="Savings")

    ended = await ada.ask("PATCH", ada.own(), {"default": False})
    taken_over = await ada.ask("PATCH", f"/wallets/{savings}", {"default": True})

    assert ended.refused == (400, "invalid_request")
    assert taken_over.body["default"] is True
    assert (await ada.get("/wallet")).body["id"] == savings
    wallets = (await ada.get("/wallets")).body["data"]
    assert [wallet["id"] for wallet in wallets if wallet["default"]] == [savings]


async def test_a_person_opens_ten_wallets_and_no_more(ada):
    for number in range(2, 11):
        await ada.open_wallet(name=f"Wallet {number}")

    answer = await ada.post("/wallets", {"name": "Wallet 11"})

    assert answer.refused == (409, "too_many_wallets")
    assert len((await ada.get("/wallets")).body["data"]) == 10


async def test_the_list_is_newest_first_and_pages_without_gap_or_repeat(ada, bob):
    opened = [ada.wallet_id] + [await ada.open_wallet(name=f"Wallet {number}") for number in range(2, 6)]
    seen, cursor = [], {}

    for _ in range(3):
        page = (await ada.get("/wallets", query={"limit": "2"} | cursor)).body
        seen += [wallet["id"] for wallet in page["data"]]
        cursor = {"cursor": page["next_cursor"]}
    foreign = (await ada.get("/wallets", query={"limit": "1"})).body["next_cursor"]

    assert seen == opened[::-1]
    assert cursor == {"cursor": None}
    assert (await bob.get("/wallets", query={"cursor": foreign})).refused == (400, "invalid_cursor")
    assert (await ada.get("/transactions", query={"cursor": foreign})).refused == (400, "invalid_cursor")


async def test_a_wallet_holds_one_more_currency_once(ada):
    answer = await ada.post(ada.own("/currencies"), {"currency": "EUR"})
    again = await ada.post(ada.own("/currencies"), {"currency": "EUR"})
    own = await ada.post(ada.own("/currencies"), {"currency": "USD"})
    not_enabled = await ada.post(ada.own("/currencies"), {"currency": "CHF"})

    assert answer.status == 201
    assert answer.body == {
        "currency": "EUR",
        "balance": "0.00",
        "available": "0.00",
        "held": "0.00",
        "exponent": 2,
        "version": 0,
    }
    assert again.refused == own.refused == (409, "conflict")
    assert not_enabled.refused == (400, "currency_not_enabled")
    assert [each["currency"] for each in (await ada.get(ada.own())).body["balances"]] == ["USD", "EUR"]


async def test_a_wallet_is_opened_in_an_enabled_currency(ada):
    written = ["usd", "US", "USDD", "", "\N{FULLWIDTH LATIN CAPITAL LETTER U}SD"]

    malformed = {currency: await ada.post("/wallets", {"currency": currency}) for currency in written}
    not_enabled = [await ada.post("/wallets", {"currency": currency}) for currency in ("XXX", "CHF")]

    assert {answer.refused for answer in malformed.values()} == {(400, "invalid_request")}
    assert {answer.refused for answer in not_enabled} == {(400, "currency_not_enabled")}


async def test_a_currency_added_to_a_frozen_wallet_is_frozen_too(ada, owner):
    await owner.execute("UPDATE wallets SET status = 'frozen' WHERE id = $1", ada.wallet_id)
    await ada.post(ada.own("/currencies"), {"currency": "EUR"})

    answer = await ada.add_funds("1.00", currency="EUR")

    assert answer.refused == (403, "wallet_frozen")


async def test_a_wallet_that_is_not_there_cannot_be_read_or_changed(ada):
    answers = [
        await ada.get(f"/wallets/{NOBODY}"),
        await ada.get(f"/wallets/{NOBODY}/balance"),
        await ada.ask("PATCH", f"/wallets/{NOBODY}", {"name": "X"}),
        await ada.post(f"/wallets/{NOBODY}/currencies", {"currency": "EUR"}),
    ]

    assert {answer.refused for answer in answers} == {(404, "not_found")}


async def test_a_currency_that_is_no_longer_enabled_keeps_what_is_held_and_breaks_nothing(
    ada, bob, environment, aiohttp_client
):
    sent = await ada.pay(bob, "1.00", key="k")
    failed = await bob.pay(ada, "100.00", key="k")
    await ada.post(ada.own("/currencies"), {"currency": "EUR"})
    paths = ["/wallet", "/wallets", "/wallets/total", "/transactions", ada.own(), ada.own("/transactions")]
    paths += [f"/transactions/{sent.body['id']}", ada.own("/balance?currency=EUR"), "/limits?currency=EUR"]

    async with opened_api(Settings.from_environment(environment | {"CURRENCIES": "EUR,JPY"})) as app:
        later = replace(ada, api=await client_of(app, aiohttp_client))
        answers = {path: await later.get(path) for path in paths}
        refused = [
            await later.get("/limits"),
            await later.get("/wallets/total?currency=USD"),
            await later.get("/transactions?currency=USD"),
            await later.add_funds("1.00"),
            await later.pay(bob, "1.00", key="k"),
            await later.post("/wallets"),
        ]
        balance = await later.get(ada.own("/balance"))

    assert failed.status == 400
    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(paths, 200)
    assert {answer.refused for answer in refused} == {(400, "currency_not_enabled")}
    assert balance.refused == (404, "not_found")
    assert await ada.balance() == "499.00"
