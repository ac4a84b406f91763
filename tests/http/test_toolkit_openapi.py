"""One declaration per operation makes both documents, whole and valid, however many applications there are."""

import pytest
from openapi_spec_validator import validate

from entrypoints.http.openapi import operation
from entrypoints.http.openapi_document import openapi_document
from tests.http.toolkit_app import INFO, tiny_app


@pytest.fixture
def document():
    return openapi_document(tiny_app(), INFO)


def operations(document):
    return [(path, method, each) for path, item in document["paths"].items() for method, each in item.items()]


async def test_both_documents_are_served_and_valid(aiohttp_client):
    client = await aiohttp_client(tiny_app())

    newer = await (await client.get("/openapi.json")).json()
    older = await (await client.get("/swagger.json")).json()

    assert (newer["openapi"], older["swagger"]) == ("3.1.0", "2.0")
    validate(newer)
    validate(older)


def test_a_second_application_and_shared_handlers_have_the_same_documents(document):
    first, second = tiny_app(), tiny_app()

    assert openapi_document(first, INFO) == openapi_document(first, INFO) == document
    assert openapi_document(second, INFO) == document
    assert first["swagger_dict"] == second["swagger_dict"]
    assert first["swagger_dict"]["definitions"].keys() >= {"Transfer", "Transaction", "Problem"}


def test_no_path_is_documented_twice_and_nothing_as_head(document):
    paths = {path for path, _, _ in operations(document)}

    assert "/wallets/{wallet_id}/transfer" in paths
    assert not any(path.startswith("/v1") for path in paths)
    assert not any(method == "head" for _, method, _ in operations(document))
    assert [server["url"] for server in document["servers"]] == ["/", "/v1"]


def test_operation_ids_are_unique_though_a_handler_serves_two_paths(document):
    ids = [each["operationId"] for _, _, each in operations(document)]

    assert len(ids) == len(set(ids))
    assert {"rename", "patch_wallet"} <= set(ids)


def test_an_operation_lists_every_answer_it_can_give(document):
    transfer = document["paths"]["/wallets/{wallet_id}/transfer"]["post"]

    assert list(transfer["responses"]) == ["201", "400", "401", "403", "404", "408", "413", "415", "500", "503"]
    for code in (
        "insufficient_funds",
        "amount_precision",
        "malformed_json",
        "unknown_field",
        "idempotency_key_invalid",
    ):
        assert f"`{code}`" in transfer["responses"]["400"]["description"]
    assert set(transfer["responses"]["403"]["content"]) == {"application/json", "application/problem+json"}


def test_an_operation_lists_no_answer_it_cannot_give(document):
    listing = document["paths"]["/problems"]["get"]

    assert list(listing["responses"]) == ["200", "500"]
    assert "security" not in listing


def test_an_operation_names_what_it_takes(document):
    transfer = document["paths"]["/wallets/{wallet_id}/transfer"]["post"]
    look_back = document["paths"]["/transactions"]["get"]
    taken = {(each["in"], each["name"]): each for each in transfer["parameters"] + look_back["parameters"]}

    assert taken["path", "wallet_id"]["required"] is True
    assert taken["header", "Idempotency-Key"]["schema"]["maxLength"] == 255
    assert taken["query", "limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert taken["query", "type"]["explode"] is True
    assert transfer["security"] == [{"bearer": []}]
    assert transfer["requestBody"]["required"] is True
    assert document["paths"]["/wallets"]["patch"]["requestBody"]["required"] is False
    assert document["paths"]["/problems/{code}"]["get"]["parameters"][0]["name"] == "code"


def test_fields_say_what_they_take(document):
    transfer = document["components"]["schemas"]["Transfer"]

    assert transfer["additionalProperties"] is False
    assert transfer["properties"]["amount"]["type"] == ["string", "number"]
    assert transfer["properties"]["note"]["type"] == ["string", "null"]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_an_operation_cannot_declare_a_code_that_does_not_exist():
    with pytest.raises(KeyError):
        operation(tags=[], summary="", responses={}, problems=["no_such_code"])
