"""Throttling: attempts are counted before anything is looked at, by whom they are on and by who makes them.

On one account the first few may fail; after that each failure doubles the wait. A device that its owner has logged in
on has a count of its own, so that whoever guesses elsewhere does not lock the owner out. One client address may fail
so often in a while, on however many accounts. Neither count knows whether an account exists. What is right is counted
by account alone: checking it costs as much, and each log-in leaves a session behind.
"""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from wallet_core.identity.entities import Device
from wallet_core.ids import IdGenerator

_IPV6_NETWORK_BITS: Final = 64
"""What one customer of a network gets: the addresses below it cost nothing to change."""
_MAC_BYTES: Final = 16
_ID_BYTES: Final = 16
_PROOF_LENGTH_MAX: Final = 200
DOUBLINGS_MAX: Final = 30
"""Beyond it a wait is the longest in any case, and the number would only grow."""


class Act(StrEnum):
    """What is counted. Each has counts of its own."""

    LOG_IN = "login"
    LOGGED_IN = "loggedin"
    SIGN_UP = "signup"
    RESET = "reset"
    CODE = "code"
    MESSAGE = "message"
    SMS = "sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many in so many seconds."""

    most: int
    seconds: int


Rates: TypeAlias = Mapping[Act, Rate]
"""What one client may do, of each act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long who fails has to wait: not at all at first, then 1 s, then twice as long after each failure."""

    free: int = 5
    """Failures after which the first wait comes."""
    seconds_max: int = 900
    forgotten_seconds: int = 86_400
    """After so long without an attempt the count begins anew."""

    def wait(self, failures: int) -> int:
        """Seconds from the latest of so many failures to the next attempt."""
        if failures < self.free:
            return 0
        return min(1 << min(failures - self.free, DOUBLINGS_MAX), self.seconds_max)


class FailureCounters(Protocol):
    """Counts failures one after the other, whoever asks at the same moment, and outlives every cache.

    Every implementation passes `wallet_core.testing.contracts.FailureCountersContract`.
    """

    async def take(self, key: bytes) -> int | None:
        """Count one more failure under that key, in one step with finding out whether it may be tried.

        Nothing when it may; else the whole seconds to wait, one or more, and it was not counted. Raises Unavailable.
        """
        ...

    async def forget(self, keys: Sequence[bytes]) -> None:
        """Begin those counts anew. Raises Unavailable."""
        ...


class MessageCounters(Protocol):
    """Counts messages so that never more than so many went out in any such span, whoever asks at the same moment.

    Every implementation passes `wallet_core.testing.contracts.MessageCountersContract`.
    """

    async def take(self, key: bytes, rate: Rate) -> int | None:
        """Count one more message under that key. Nothing when it may go out; else as FailureCounters.take.

        `rate` lasts a day at most: what is older is forgotten. Raises Unavailable.
        """
        ...


class ClientLimits(Protocol):
    """Limits how often something is done in a sliding while, roughly to the second; never without limit.

    What it counts may be lost with a cache, so nothing is counted here alone that must not be. Every implementation
    passes `wallet_core.testing.contracts.ClientLimitsContract`.
    """

    async def take(self, act: Act, client: str) -> int | None:
        """Count one more. Nothing when it may be done; else as FailureCounters.take. An act without a rate may."""
        ...

    async def wait(self, act: Act, client: str) -> int | None:
        """What `take` would answer now; nothing is counted."""
        ...

    async def give_back(self, act: Act, client: str) -> None:
        """Take one from the count: what was counted was right after all."""
        ...


class Digests:
    """Names under which things are counted: nobody learns from them what they stand for."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"throttling", "sha256")

    def of(self, *parts: str) -> bytes:
        """The digest of those parts in that order. Different parts have different ones."""
        written = b"".join(len(part).to_bytes(4) + part for part in (each.encode(errors="replace") for each in parts))
        return hmac.digest(self._key, written, "sha256")

    def of_client(self, address: str) -> str:
        """The digest of a client's network address; in IPv6 that of its network of 64 bits."""
        return self.of("client", network_of(address)).hex()


class DeviceProofs:
    """What a device is given to keep: it proves that the owner of an account has once logged in on it."""

    def __init__(self, digests: Digests, *, ids: IdGenerator) -> None:
        self._digests = digests
        self._ids = ids

    def issue(self, subjects: Sequence[str]) -> str:
        """A proof for a new device of whoever those subjects name."""
        device_id = self._ids()
        parts = [device_id.bytes, *(self._mac(device_id, subject) for subject in subjects)]
        return base64.urlsafe_b64encode(b"".join(parts)).rstrip(b"=").decode()

    def device_of(self, proof: str | None, subject: str) -> UUID | None:
        """The device that the proof stands for, if it is one of that subject's."""
        if proof is None or len(proof) > _PROOF_LENGTH_MAX:
            return None
        try:
            opened = base64.b64decode(proof + "=" * (-len(proof) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(opened) < _ID_BYTES or (len(opened) - _ID_BYTES) % _MAC_BYTES:
            return None
        device_id = UUID(bytes=opened[:_ID_BYTES])
        expected = self._mac(device_id, subject)
        macs = (opened[at : at + _MAC_BYTES] for at in range(_ID_BYTES, len(opened), _MAC_BYTES))
        return device_id if any(hmac.compare_digest(mac, expected) for mac in macs) else None

    def _mac(self, device_id: UUID, subject: str) -> bytes:
        return self._digests.of("device", device_id.hex, subject)[:_MAC_BYTES]


@dataclass(frozen=True, slots=True)
class _Counted:
    """Under which keys an attempt is counted, and whether the device is known."""

    keys: tuple[bytes, ...]
    is_known: bool
    """To each of the subjects: what is tried from here is tried on its owner's account alone."""


class CountedAttempts:
    """Attempts at one act: `take` before it, `give_back` and `succeeded` after it where it was right.

    Subjects are whom the attempt is on: addresses in one spelling, or the id of a person. With none, only the client
    is counted.
    """

    def __init__(
        self,
        act: Act,
        *,
        failures: FailureCounters,
        clients: ClientLimits,
        digests: Digests,
        proofs: DeviceProofs | None = None,
        right_ones: Act | None = None,
    ) -> None:
        """Without `proofs` no device is known. What was right is limited by the rate of `right_ones`, if that is given,
        for each of those whom it is on and whatever the device.
        """
        self._act = act
        self._failures = failures
        self._clients = clients
        self._digests = digests
        self._proofs = proofs
        self._right_ones = right_ones

    async def take(self, addresses: Sequence[str], device: Device) -> int | None:
        """As Attempts.take. Raises Unavailable."""
        if self._right_ones is not None:
            for name in self._names(addresses):
                wait = await self._clients.wait(self._right_ones, name)
                if wait is not None:
                    return wait
        counted = self._counted(addresses, device)
        # Whoever cannot guess anybody else's password does not share in what others did from the same address.
        if device.address is not None and not counted.is_known:
            wait = await self._clients.take(self._act, self._digests.of_client(device.address))
            if wait is not None:
                return wait
        for key in counted.keys:
            wait = await self._failures.take(key)
            if wait is not None:
                return wait
        return None

    def knows(self, addresses: Sequence[str], device: Device) -> bool:
        """As Attempts.knows."""
        return self._proofs is None or self._counted(addresses, device).is_known

    async def give_back(self, addresses: Sequence[str], device: Device) -> None:
        """As Attempts.give_back."""
        if device.address is not None and not self._counted(addresses, device).is_known:
            await self._clients.give_back(self._act, self._digests.of_client(device.address))

    async def succeeded(self, addresses: Sequence[str], device: Device) -> str | None:
        """As Attempts.succeeded. Raises Unavailable."""
        counted = self._counted(addresses, device)
        await self._failures.forget(counted.keys)
        if self._right_ones is not None:
            for name in self._names(addresses):
                await self._clients.take(self._right_ones, name)
        return None if self._proofs is None or counted.is_known else self._proofs.issue(addresses)

    def _names(self, subjects: Sequence[str]) -> list[str]:
        return [self._digests.of("right", subject).hex() for subject in subjects]

    def _counted(self, subjects: Sequence[str], device: Device) -> _Counted:
        devices = [
            None if self._proofs is None else self._proofs.device_of(device.proof, subject) for subject in subjects
        ]
        return _Counted(
            keys=tuple(
                self._digests.of(self._act.value, subject, "" if known is None else known.hex)
                for subject, known in zip(subjects, devices, strict=True)
            ),
            is_known=bool(devices) and None not in devices,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCaps:
    """How many messages go out that somebody asked for, such as codes: nobody's inbox or bill is for others to fill."""

    to_one_address: Rate = Rate(most=3, seconds=3_600)
    of_one_person: Rate = Rate(most=20, seconds=86_400)


class CappedMessages:
    """Says whether one more message may be sent because somebody asked for it."""

    def __init__(
        self, caps: MessageCaps, *, counters: MessageCounters, clients: ClientLimits, digests: Digests
    ) -> None:
        self._caps = caps
        self._counters = counters
        self._clients = clients
        self._digests = digests

    async def take(self, address: str, *, by_sms: bool, person: str | None, device: Device) -> int | None:
        """Count one more message to that address (in one spelling), asked for by that person from that device.

        Nothing when it may be sent; else the seconds to wait. Ask whether or not the address is anybody's, and before
        finding out: then the answer does not tell. Raises Unavailable.
        """
        if device.address is not None:
            wait = await self._clients.take(Act.MESSAGE, self._digests.of_client(device.address))
            if wait is not None:
                return wait
        rates = {self._digests.of("message", address): self._caps.to_one_address}
        if person is not None:
            rates[self._digests.of("person", person)] = self._caps.of_one_person
        for key, rate in rates.items():
            wait = await self._counters.take(key, rate)
            if wait is not None:
                return wait
        # Of all people together, for each of these costs money.
        return await self._clients.take(Act.SMS, "everybody") if by_sms else None


def network_of(address: str) -> str:
    """What a client cannot easily change of its network address: all of it in IPv4, the first 64 bits in IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    mapped = parsed.ipv4_mapped
    if mapped is not None:
        return str(mapped)
    return str(ipaddress.ip_network((int(parsed), _IPV6_NETWORK_BITS), strict=False))
