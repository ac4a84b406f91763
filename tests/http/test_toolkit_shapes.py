"""Values are read on the short way wherever that gives what the schema gives, and refused as the schema refuses."""

import marshmallow
import pytest
from marshmallow import ValidationError, fields, validates_schema

from entrypoints.http.problems import Problem
from entrypoints.http.schemas import requests
from entrypoints.http.schemas.fields import CurrencyCode, Schema, Text
from entrypoints.http.shapes import Shape, problem_of_validation
from tests.http.toolkit_app import WALLET, FiltersSchema, NothingRequiredSchema, TransferSchema


class _WithAFactorySchema(Schema):
    tags = fields.List(Text(max=5), load_default=list)
    currency = CurrencyCode(load_default="USD", data_key="in")


class _LookingAtTheRequestSchema(Schema):
    name = Text(max=20)

    @validates_schema(pass_original=True)
    def look(self, data, original, **_):
        if "name" not in original:
            raise ValidationError("A name.")


class _TurningSchema(Schema):
    name = Text(max=20)

    @marshmallow.post_load
    def turn(self, data, **_):
        return data | {"turned": True}


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (TransferSchema(), {"amount": "1", "note": None, "tags": ["a"]}),
        (TransferSchema(), {"amount": 5}),
        (TransferSchema(partial=True), {"note": "x"}),
        (NothingRequiredSchema(), {"nickName": "x"}),
        (FiltersSchema(), {"from": "2026-01-31", "type": ["a", "b"], "min_amount": "0"}),
        (_WithAFactorySchema(), {}),
        (_WithAFactorySchema(), {"in": "EUR", "tags": ["x"]}),
        (_LookingAtTheRequestSchema(), {"name": "x"}),
        (_TurningSchema(), {"name": "x"}),
        (requests.TransferSchema(), {"amount": "1.50", "to_wallet_id": WALLET, "note": ""}),
        (requests.WalletOpeningSchema(), {}),
        (requests.WalletChangeSchema(), {"default": True}),
        (requests.LimitsChangeSchema(), {"transfer": {"daily": "0"}}),
        (requests.HistoryQuerySchema(), {"status": ["FAILED"], "direction": "in"}),
    ],
)
def test_what_is_good_is_loaded_as_the_schema_loads_it(schema, values):
    loaded = Shape(schema).load(values, "body")

    assert loaded == schema.load(values)


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (TransferSchema(), {}),
        (TransferSchema(), {"amount": None}),
        (TransferSchema(), {"amount": "1", "copies": 9, "x": 1}),
        (NothingRequiredSchema(), {"name": "a", "nickName": "b"}),
        (_LookingAtTheRequestSchema(), {}),
        (requests.TransferSchema(), {"amount": "1"}),
        (requests.TransferSchema(), {"amount": "1", "to": None}),
        (requests.TransferSchema(), {"amount": "1", "to": "x", "to_wallet_id": WALLET}),
        (requests.WalletChangeSchema(), {"default": False}),
        (requests.LimitsChangeSchema(), {"transfer": {"weekly": "1"}}),
        (requests.HistoryQuerySchema(), {"status": ["DONE"], "limit": "0"}),
    ],
)
def test_what_is_not_is_refused_as_the_schema_refuses_it(schema, values):
    with pytest.raises(ValidationError) as expected:
        schema.load(values)

    with pytest.raises(Problem) as refused:
        Shape(schema).load(values, "body")

    problem = problem_of_validation(expected.value, "body")
    assert (refused.value.code, refused.value.errors) == (problem.code, problem.errors)


def test_a_factory_makes_each_request_a_default_of_its_own():
    shape = Shape(_WithAFactorySchema())

    assert shape.load({}, "body")["tags"] is not shape.load({}, "body")["tags"]


async def test_every_schema_of_the_service_goes_the_short_way(app):
    schemas = [
        declared["schema"]
        for route in app.router.routes()
        for declared in getattr(route.handler, "__schemas__", ())
        if isinstance(declared["schema"], marshmallow.Schema)
    ]

    assert len(schemas) > 20
    assert [type(schema).__name__ for schema in schemas if not Shape(schema).is_short] == []


async def test_what_is_asked_most_is_tried_first(app):
    paths = [resource.canonical for resource in app.router.resources()]

    assert paths[:2] == ["/wallets/{wallet_id}/transfer", "/wallets/{wallet_id}/balance"]
