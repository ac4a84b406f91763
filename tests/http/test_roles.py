"""Whom each operation is for: what the table says is what the router does."""

import asyncio
import re
from dataclasses import replace

import pytest

from entrypoints.http.roles import EVERYBODY, ROLES, roles_of
from tests.http.clients import NOBODY, log_in
from tests.http.operations import Operation, operations_of
from wallet_core.identity.entities import Role


@pytest.fixture
def operations(app, api) -> list[Operation]:
    return operations_of(app, api.contract)


def test_the_table_names_what_is_served_and_everything_for_admins(operations):
    served = {operation.path for operation in operations}

    assert set(ROLES) <= served
    assert {path for path in served if path.startswith("/admin")} <= set(ROLES)
    assert all(roles < EVERYBODY for roles in ROLES.values())


def test_whoever_reads_the_table_finds_every_route_of_administration_in_it(operations):
    """Row 38."""
    changing = {each.path for each in operations if each.path.startswith("/admin") and each.method != "GET"}

    assert {
        "/admin/users/{user_id}/activate",
        "/admin/users/{user_id}/deactivate",
        "/admin/users/{user_id}/limits",
        "/admin/users/{user_id}/sessions/end",
        "/admin/wallets/{wallet_id}/freeze",
        "/admin/wallets/{wallet_id}/unfreeze",
        "/admin/wallets/{wallet_id}/deposit",
    } <= changing
    assert {roles_of(path) for path in changing} == {frozenset({Role.ADMIN})}


async def test_every_change_by_an_admin_needs_a_reason_but_for_limits(operations, admin, ada):
    """Row 40: there is no other way to write a balance either."""
    changing = [each for each in operations if each.path.startswith("/admin") and each.method != "GET"]
    known = {"amount": "1.00", "currency": "USD", "transfer": {"daily": "1.00"}}
    answers = []

    for operation in changing:
        is_free = operation.path.endswith("/limits")
        path = operation.path.format(user_id=ada.id, wallet_id=ada.wallet_id, delivery_id=NOBODY)
        names = operation.body_schema["properties"]
        body = {name: value for name, value in known.items() if name in names}
        answers += [
            (await admin.ask(operation.method, path, body | reason), str(operation))
            for reason in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501})
            if reason or not is_free
        ]

    assert len(changing) >= 7
    assert [named for answer, named in answers if answer.refused != (400, "invalid_request")] == []
    assert all(answer.faulty_fields == ["body.reason"] for answer, _ in answers)


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_the_roles_of_every_operation_are_those_of_the_table(operations, ada, admin, prefix):
    wrong = []
    parting = {"log_out", "log_out_everywhere", "deactivate_me"}  # nobody is let in after these
    closed = [each for each in operations if not each.is_open and each.name not in parting]

    for operation in closed:
        path = prefix + re.sub(r"\{\w+\}", NOBODY, operation.path)
        for role, person in ((Role.USER, ada), (Role.ADMIN, admin)):
            answer = await person.ask(operation.method, path)
            is_let_in = answer.status != 403 or answer.refused != (403, "forbidden")
            if is_let_in is not (role in roles_of(operation.path)):
                wrong.append((str(operation), role, answer))

    assert len(closed) >= 20
    assert wrong == []


async def test_the_role_that_counts_is_the_one_the_session_knows_and_not_the_tokens(ada, admin, owner):
    path = f"/admin/users/{ada.id}/sessions"

    raised = await admin.get(path)
    as_admin = replace(admin, token=await log_in(admin.api, admin.email))
    await owner.execute("UPDATE users SET role = 'user' WHERE id = $1::uuid", admin.id)
    await asyncio.sleep(1)
    lowered = await as_admin.get(path)

    assert raised.status == 200
    assert lowered.refused == (403, "forbidden")
