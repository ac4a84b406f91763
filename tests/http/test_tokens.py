"""Nobody gets anywhere without a good token, and is told how to get one."""

import asyncio
import base64
import json
import re
import time
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.http.clients import JWT_SECRET, NOBODY

REQUIRED_CLAIMS = ("iss", "aud", "sub", "sid", "jti", "role", "iat", "nbf", "exp")


def a_token(secret=JWT_SECRET, headers=None, algorithm="HS256", **claims):
    """A token as the service signs it, but for what is said otherwise; a claim of None is left out."""
    now = int(time.time())
    whole = {
        "iss": "wallet",
        "aud": "wallet-api",
        "sub": NOBODY,
        "sid": str(uuid4()),
        "jti": str(uuid4()),
        "role": "user",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    } | claims
    kept = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(kept, secret, algorithm=algorithm, headers={"typ": "at+jwt"} | (headers or {}))


def unsigned(token):
    """The same claims under `alg: none`."""
    header = base64.urlsafe_b64encode(json.dumps({"typ": "at+jwt", "alg": "none"}).encode()).decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


def tampered(token):
    """The same token for somebody else, under the old signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = base64.urlsafe_b64encode(json.dumps(claims | {"sub": NOBODY}).encode()).decode().rstrip("=")
    return f"{header}.{other}.{signature}"


async def test_rows_1_and_2_a_token_that_was_not_signed_here_for_this_and_for_now_is_none(ada):
    """Rows 1 and 2."""
    now = int(time.time())
    hers = {"sub": ada.id, "sid": ada.session_id}
    tokens = {
        "forged": a_token("another secret that is long enough too", **hers),
        "signed with another algorithm": a_token(JWT_SECRET * 2, algorithm="HS512", **hers),
        "unsigned": unsigned(ada.token),
        "tampered with": tampered(ada.token),
        "expired": a_token(**hers, exp=now - 1),
        "not valid yet": a_token(**hers, nbf=now + 60),
        "for another audience": a_token(**hers, aud="somebody-else"),
        "from another issuer": a_token(**hers, iss="somebody-else"),
        "of another type": a_token(**hers, headers={"typ": "JWT"}),
        "signed by RSA": a_token(rsa.generate_private_key(65537, 2048), algorithm="RS256", **hers),
        "under a critical header": a_token(**hers, headers={"crit": ["exp"]}),
        "under an unknown key": a_token(**hers, headers={"kid": "another"}),
        "that brings its key": a_token(**hers, headers={"jwk": {"kty": "oct", "k": "AAAA"}}),
        "that says where its keys are": a_token(**hers, headers={"jku": "https://evil.example/keys"}),
        "that says who vouches for it": a_token(**hers, headers={"x5u": "https://evil.example/chain"}),
        "issued in the future": a_token(**hers, iat=now + 60),
        **{f"without {name}": a_token(**hers | {name: None}) for name in REQUIRED_CLAIMS},
        "of no person": a_token(**hers | {"sub": "ada"}),
        "of another person": a_token(**hers | {"sub": NOBODY}),
        "of no session": a_token(sub=ada.id),
        "of an unknown role": a_token(**hers, role="god"),
        "empty": "",
        "not a token": "abc",
        "too long": "a." + "b" * 5000 + "." + "c" * 43,
        "cut short": ada.token[:-1],
        "with a tail": ada.token + "A",
        "given twice": f"{ada.token} {ada.token}",
    }

    answers = {what: await ada.api.call("GET", "/me", token=token) for what, token in tokens.items()}

    assert {what: answer.refused for what, answer in answers.items()} == dict.fromkeys(tokens, (401, "unauthorized"))
    assert {answer.headers["WWW-Authenticate"] for answer in answers.values()} == {"Bearer"}
    assert (await ada.api.call("GET", "/me", token=a_token(**hers))).status == 200


async def test_only_the_bearer_scheme_is_taken_in_any_case(ada):
    async def status_of(*headers):
        return (await ada.api.call("GET", "/me", headers=[("Authorization", header) for header in headers])).status

    taken = [await status_of(f"{scheme} {ada.token}") for scheme in ("Bearer", "bearer", "BEARER")]
    refused = [
        await status_of(),
        await status_of(""),
        await status_of("Bearer"),
        await status_of(ada.token),
        await status_of(f"Basic {ada.token}"),
        await status_of(f"Token {ada.token}"),
        await status_of(f"Bearer{ada.token}"),
        await status_of(f"Bearer\t{ada.token}"),
        await status_of("Bearer \N{LATIN SMALL LETTER U WITH DIAERESIS}"),
    ]

    assert taken == [200] * 3
    assert refused == [401] * 9


async def test_a_token_in_the_query_or_the_body_is_no_token(ada):
    in_query = await ada.api.call("GET", "/me", query={"access_token": ada.token})
    in_body = await ada.api.call("POST", "/wallets", {"access_token": ada.token})

    assert in_query.refused == in_body.refused == (401, "unauthorized")


async def test_every_operation_but_the_open_ones_needs_a_token(api, app):
    open_ones = {
        "/auth/signup",
        "/register",
        "/auth/login",
        "/login",
        "/auth/refresh",
        "/auth/password/forgot",
        "/auth/password/reset",
        "/healthz",
        "/metrics",
        "/readyz",
        "/version",
        "/problems",
        "/problems/{code}",
        "/docs",
        "/docs/assets/{name}",
        "/reset-password",
        "/reset-password/{name}",
        "/dev/mailbox",
        "/dev/mailbox/messages",
        "/openapi.json",
        "/swagger.json",
    }
    routes = [(route.method, route.resource.canonical) for route in app.router.routes() if route.method != "HEAD"]
    closed = [(method, path) for method, path in routes if path.removeprefix("/v1") not in open_ones]

    answers = {(method, path): await api.call(method, re.sub(r"\{\w+\}", NOBODY, path)) for method, path in closed}

    assert len(closed) >= 36
    assert {route: answer.refused for route, answer in answers.items()} == dict.fromkeys(closed, (401, "unauthorized"))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/me", None),
        ("PATCH", "/me", {"name": "X"}),
        ("POST", "/wallets", {}),
        ("GET", "/limits", None),
        ("PUT", "/limits", {"transfer": {"daily": "1.00"}}),
    ],
)
async def test_a_good_token_of_a_person_who_is_not_there_is_no_token(api, method, path, body):
    answer = await api.call(method, path, body, token=a_token(sub=NOBODY))

    assert answer.refused == (401, "unauthorized")


async def test_a_token_ends_when_it_says(ada):
    token = a_token(sub=ada.id, sid=ada.session_id, exp=int(time.time()) + 1)

    before = await ada.api.call("GET", "/me", token=token)
    await asyncio.sleep(1.1)
    after = await ada.api.call("GET", "/me", token=token)

    assert (before.status, after.status) == (200, 401)
