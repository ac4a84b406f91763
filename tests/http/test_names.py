"""Names that cannot pass for somebody else's, or for nothing."""

import pytest

from tests.http.clients import Api, Person

HIDDEN = [
    "\u200b",
    " ",
    "\u2028",
    "Ada\u202e",
    "\u2066Ada",
    " Ada",
    "Ada ",
    "\u00a0",
    "\u115f",
    "Grace\u200b Hopper",
    "\ufeffAda",
]
SHOWN = ["Ada", "Zoë", "李", "Jean-Luc O'Neill", "👩‍🚀", "7", "$avings"]


@pytest.mark.parametrize("name", HIDDEN)
async def test_a_wallet_has_a_name_that_shows(ada: Person, name: str) -> None:
    answer = await ada.post("/wallets", {"name": name})

    assert (answer.status, answer.body["code"]) == (400, "invalid_request")
    assert answer.body["errors"][0]["field"] == "body.name"


@pytest.mark.parametrize("name", HIDDEN)
async def test_a_person_has_a_name_that_shows(api: Api, name: str) -> None:
    body = {"name": name, "email": "eve@example.com", "password": "correct horse battery"}

    answer = await api.call("POST", "/auth/signup", body)

    assert (answer.status, answer.body["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", SHOWN)
async def test_names_of_all_the_world_are_taken_as_they_are(ada: Person, name: str) -> None:
    answer = await ada.post("/wallets", {"name": name})

    assert (answer.status, answer.body["name"]) == (201, name)
