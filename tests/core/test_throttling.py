"""Attempts are counted by whom they are on and by who makes them, and messages by whom they reach."""

from datetime import timedelta

import pytest

from wallet_core.identity.entities import Device
from wallet_core.identity.throttling import (
    Act,
    Backoff,
    CappedMessages,
    CountedAttempts,
    DeviceProofs,
    Digests,
    MessageCaps,
    Rate,
    network_of,
)
from wallet_core.testing.clock import SettableClock
from wallet_core.testing.ids import SequentialIds
from wallet_core.testing.throttling import InMemoryClientLimits, InMemoryFailureCounters, InMemoryMessageCounters

ADA = ("ada@example.com",)
FREE, CLIENT_MOST, LOG_INS_MOST = 5, 20, 12
DIGESTS = Digests(b"a secret for tests")


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def proofs() -> DeviceProofs:
    return DeviceProofs(DIGESTS, ids=SequentialIds())


@pytest.fixture
def attempts(clock: SettableClock, proofs: DeviceProofs) -> CountedAttempts:
    return CountedAttempts(
        Act.LOG_IN,
        failures=InMemoryFailureCounters(clock, Backoff(free=FREE)),
        clients=InMemoryClientLimits(
            clock,
            {
                Act.LOG_IN: Rate(most=CLIENT_MOST, seconds=900),
                Act.LOGGED_IN: Rate(most=LOG_INS_MOST, seconds=600),
            },
        ),
        digests=DIGESTS,
        proofs=proofs,
        right_ones=Act.LOGGED_IN,
    )


@pytest.fixture
def messages(clock: SettableClock) -> CappedMessages:
    return CappedMessages(
        MessageCaps(of_one_person=Rate(most=5, seconds=86_400)),
        counters=InMemoryMessageCounters(clock),
        clients=InMemoryClientLimits(
            clock, {Act.MESSAGE: Rate(most=8, seconds=86_400), Act.SMS: Rate(most=4, seconds=86_400)}
        ),
        digests=DIGESTS,
    )


def at(address: str | None = "192.0.2.1", proof: str | None = None) -> Device:
    return Device(address=address, proof=proof)


async def fail(attempts: CountedAttempts, times: int = FREE, device: Device | None = None) -> None:
    for _ in range(times):
        assert await attempts.take(ADA, device or at()) is None


async def test_an_account_is_held_up_from_wherever_it_is_tried(attempts: CountedAttempts) -> None:
    await fail(attempts)

    assert await attempts.take(ADA, at("198.51.100.7")) == 1
    assert await attempts.take(("bob@example.com",), at("198.51.100.7")) is None


async def test_the_right_password_begins_the_count_anew(attempts: CountedAttempts) -> None:
    for number in range(10):
        await fail(attempts, FREE, at(f"192.0.2.{number}"))
        await attempts.succeeded(ADA, at(f"192.0.2.{number}"))

    await fail(attempts, FREE, at("198.51.100.7"))
    assert await attempts.take(ADA, at("198.51.100.7")) == 1


async def test_an_account_is_held_up_once_it_was_logged_in_to_often_wherever_that_was(
    attempts: CountedAttempts, clock: SettableClock
) -> None:
    both = (*ADA, "+4915112345678")
    proof = await attempts.succeeded(both, at())
    for number in range(LOG_INS_MOST - 1):
        assert await attempts.take(ADA, at(f"192.0.2.{number}")) is None
        await attempts.succeeded(both, at(f"192.0.2.{number}"))

    devices = [at("198.51.100.7"), at("198.51.100.7", proof)]
    held_up = [await attempts.take(subjects, device) for subjects in (ADA, both[1:], both) for device in devices]
    clock.advance(timedelta(minutes=10))

    assert held_up == [600] * 6
    assert [await attempts.take(ADA, device) for device in devices] == [None] * 2


async def test_wrong_passwords_are_no_log_ins(attempts: CountedAttempts, clock: SettableClock) -> None:
    for _ in range(LOG_INS_MOST):
        while await attempts.take(ADA, at(None)) is not None:
            clock.advance(timedelta(seconds=1))

    clock.advance(timedelta(seconds=256))
    assert await attempts.take(ADA, at(None)) is None


async def test_a_device_that_the_owner_has_logged_in_on_has_a_count_of_its_own(attempts: CountedAttempts) -> None:
    proof = await attempts.succeeded(ADA, at())
    await fail(attempts, device=at("203.0.113.9"))

    known = at("203.0.113.9", proof)
    assert await attempts.take(ADA, at("203.0.113.9")) == 1
    assert [await attempts.take(ADA, known) for _ in range(FREE + 1)] == [None] * FREE + [1]


async def test_a_known_device_is_given_no_second_proof(attempts: CountedAttempts) -> None:
    proof = await attempts.succeeded(ADA, at())

    assert await attempts.succeeded(ADA, at(proof=proof)) is None


async def test_a_device_is_known_by_every_address_of_its_owner(attempts: CountedAttempts) -> None:
    both = (*ADA, "+4915112345678")
    await attempts.take(ADA, at())
    proof = await attempts.succeeded(both, at())
    await fail(attempts)

    assert await attempts.take(ADA, at(proof=proof)) is None
    assert await attempts.take(both[1:], at(proof=proof)) is None
    assert await attempts.take(both, at(proof=proof)) is None


async def test_a_device_of_one_person_is_nobody_elses(attempts: CountedAttempts) -> None:
    proof = await attempts.succeeded(("mallory@example.com",), at())
    await fail(attempts)

    assert await attempts.take(ADA, at("198.51.100.7", proof)) == 1


async def test_nothing_but_an_untouched_proof_proves_anything(proofs: DeviceProofs) -> None:
    proof = proofs.issue(ADA)
    others = DeviceProofs(Digests(b"another secret"), ids=SequentialIds()).issue(ADA)

    assert proofs.device_of(proof, *ADA) is not None
    changed = [proof[:-2], proof[:22], "B" + proof[1:], proof[:-4] + "AAAA", proof + "A"]
    for forged in ["", "=", *changed, others, "é" * 64, "A" * 10_000, proof * 9]:
        assert proofs.device_of(forged, *ADA) is None, forged


async def test_a_client_is_held_up_on_however_many_accounts_it_tries(attempts: CountedAttempts) -> None:
    taken = [await attempts.take((f"person-{number}@example.com",), at()) for number in range(CLIENT_MOST + 1)]

    assert taken[:-1] == [None] * CLIENT_MOST
    assert taken[-1] == 900
    assert await attempts.take(ADA, at("192.0.2.2")) is None


async def test_a_client_on_whom_people_log_in_all_day_is_not_held_up(attempts: CountedAttempts) -> None:
    for number in range(3 * CLIENT_MOST):
        person = (f"person-{number}@example.com",)
        assert await attempts.take(person, at()) is None
        await attempts.give_back(person, at())


async def test_what_others_did_from_the_same_address_does_not_hold_up_a_known_device(attempts: CountedAttempts) -> None:
    proof = await attempts.succeeded(ADA, at())
    for number in range(CLIENT_MOST + 1):
        await attempts.take((f"person-{number}@example.com",), at())

    assert await attempts.take(ADA, at()) is not None
    assert await attempts.take(ADA, at(proof=proof)) is None


async def test_what_is_tried_from_the_machine_itself_counts_on_the_account_alone(attempts: CountedAttempts) -> None:
    taken = [await attempts.take((f"person-{number}@example.com",), at(None)) for number in range(CLIENT_MOST + 1)]

    assert taken == [None] * (CLIENT_MOST + 1)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("somewhere", "somewhere"),
    ],
)
def test_an_address_counts_as_the_network_that_its_user_cannot_leave(address: str, network: str) -> None:
    assert network_of(address) == network


def test_digests_tell_apart_what_only_looks_alike() -> None:
    parts = [("a", "b"), ("ab",), ("ab", ""), ("", "ab"), ("a", "b", ""), ("b", "a"), ("\ud800",)]

    assert len({DIGESTS.of(*each) for each in parts}) == len(parts)
    assert DIGESTS.of("a") != Digests(b"another secret").of("a")


def test_the_longest_wait_is_reached_and_never_passed() -> None:
    waits = [Backoff().wait(failures) for failures in (0, 4, 5, 6, 14, 15, 40, 10_000)]

    assert waits == [0, 0, 1, 2, 512, 900, 900, 900]


async def test_row_80_an_address_gets_three_messages_an_hour_whoever_asks(
    messages: CappedMessages, clock: SettableClock
) -> None:
    taken = [
        await messages.take(*ADA, by_sms=False, person=f"person-{number}", device=at(f"192.0.2.{number}"))
        for number in range(4)
    ]

    assert taken == [None, None, None, 3_600]
    clock.advance(timedelta(hours=1))
    assert await messages.take(*ADA, by_sms=False, person=None, device=at()) is None


async def test_row_80_a_person_asks_for_so_many_a_day_wherever_they_go(messages: CappedMessages) -> None:
    taken = [
        await messages.take(f"to-{number}@example.com", by_sms=False, person="ada", device=at(f"192.0.2.{number}"))
        for number in range(6)
    ]

    assert taken[:5] == [None] * 5
    assert taken[5] is not None


async def test_row_80_a_client_asks_for_so_many_a_day_whomever_they_reach(messages: CappedMessages) -> None:
    taken = [
        await messages.take(f"to-{number}@example.com", by_sms=False, person=None, device=at()) for number in range(9)
    ]

    assert taken[:8] == [None] * 8
    assert taken[8] is not None


async def test_row_80_all_people_together_cost_so_many_text_messages_a_day(messages: CappedMessages) -> None:
    taken = [
        await messages.take(f"+491511234567{number}", by_sms=True, person=None, device=at(f"192.0.2.{number}"))
        for number in range(5)
    ]

    assert taken[:4] == [None] * 4
    assert taken[4] is not None
    assert await messages.take(*ADA, by_sms=False, person=None, device=at()) is None
