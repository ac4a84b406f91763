"""Whoever tries codes has to wait, as whoever tries passwords."""

import asyncpg

from tests.http.authenticator import Connection, enrol
from tests.http.clients import Api, Person

Owner = Connection


async def test_wrong_codes_are_counted_on_over_new_challenges_and_whatever_they_are_given_for(
    ada: Person, api: Api, owner: "Owner[asyncpg.Record]"
) -> None:
    """Row 23."""
    app = await enrol(ada, owner)
    first = (await app.log_in(api)).body["mfa_token"]
    wrong = [
        await api.call("POST", "/auth/login", {"mfa_token": first, "code": await app.wrong_code()}) for _ in range(5)
    ]
    # However slow the machine is: the wait that five failures earn lasts until the test is over.
    held_up = await owner.execute("UPDATE failed_attempts SET free_at = free_at + interval '1 hour' WHERE failures = 5")

    second = (await app.log_in(api)).body["mfa_token"]
    on_the_old_challenge = await api.call("POST", "/auth/login", {"mfa_token": first, "code": await app.code()})
    on_a_new_one = await api.call("POST", "/auth/login", {"mfa_token": second, "code": await app.code()})
    as_a_proof = await ada.post("/auth/step-up", {"code": await app.code()})
    await owner.execute("UPDATE failed_attempts SET free_at = clock_timestamp()")
    after_the_wait = await api.call("POST", "/auth/login", {"mfa_token": second, "code": await app.code()})

    assert [answer.refused for answer in wrong] == [(401, "invalid_credentials")] * 5
    assert held_up == "UPDATE 1"
    assert on_the_old_challenge.refused == (401, "mfa_token_expired")
    assert on_a_new_one.refused == as_a_proof.refused == (429, "too_many_attempts")
    assert int(on_a_new_one.headers["Retry-After"]) > 60
    assert after_the_wait.status == 200
