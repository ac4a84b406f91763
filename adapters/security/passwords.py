"""Passwords by bcrypt: slow on purpose, and never slower for the rest of the service than its own threads."""

import asyncio
import base64
import hashlib
import hmac
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

import bcrypt

from wallet_core.faults import Fault, Overloaded, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

PEPPER_BYTES_MIN: Final = 32

_STORED_HASH: Final = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
_CHECKSUM_LENGTH: Final = 31
_NICENESS: Final = 10


class BcryptPasswordHasher:
    """Hashes base64(HMAC-SHA256(pepper, password)) by bcrypt, in threads of its own.

    The first step makes 44 bytes of any password, so bcrypt's end at 72 bytes and at a NUL never bites, and a stolen
    table is worth nothing without the pepper. bcrypt releases the interpreter's lock: `threads` of them cost that
    many cores and leave the event loop alone. Past `waiting_max` callers in the queue the next gets Overloaded.
    """

    def __init__(self, *, pepper: bytes, cost: int = 12, threads: int = 1, waiting_max: int = 32) -> None:
        """Start no thread yet. Raises ValueError when the pepper is shorter than 32 bytes."""
        if len(pepper) < PEPPER_BYTES_MIN:
            raise ValueError(f"The pepper has at least {PEPPER_BYTES_MIN} bytes.")
        self._pepper = pepper
        self._cost = cost
        self._executor = ThreadPoolExecutor(
            max_workers=threads, thread_name_prefix="bcrypt", initializer=_give_way_to_others
        )
        self._places = threading.BoundedSemaphore(threads + waiting_max)
        self._closed = False

    async def hash(self, password: str) -> str:
        """The salted hash of a password. Raises Overloaded when too many wait already."""
        return await self._in_thread(self._hash, password)

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the hashed one; no hash, or an outdated one, takes as long as a wrong password.

        Raises Overloaded when too many wait already, and Fault when the stored hash is damaged: that is no wrong
        password, and its owner cannot mend it by trying again.
        """
        cost = None if hashed is None else _cost_of(hashed)
        matches = await self._in_thread(self._matches, password, hashed, cost)
        return matches and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether a hash was made at a lower cost than hashes are made at now. Raises Fault when it is damaged."""
        return _cost_of(hashed) < self._cost

    def close(self) -> None:
        """Take no more work. What runs gets its answer; who waits gets Unavailable."""
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        if self._closed:
            raise Unavailable("Passwords are no longer checked: the service is stopping.")
        if not self._places.acquire(blocking=False):
            raise Overloaded("Too many passwords wait to be checked.")
        try:
            job = self._executor.submit(work, *arguments, **keywords)
        except BaseException:
            self._places.release()
            raise
        # The place is given back when the thread is done with the job, not when the caller is: a caller that goes
        # away while bcrypt runs still occupies the thread.
        job.add_done_callback(self._give_place_back)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise Unavailable("The service stopped before the password's turn came.") from None
            raise

    def _give_place_back(self, _job: "Future[T]") -> None:
        self._places.release()

    def _hash(self, password: str) -> str:
        return bcrypt.hashpw(self._peppered(password), bcrypt.gensalt(self._cost)).decode("ascii")

    def _matches(self, password: str, hashed: str | None, cost: int | None) -> bool:
        peppered = self._peppered(password)
        if hashed is None or cost is None:
            return bcrypt.checkpw(peppered, _nobodys_hash(self._cost))
        matches = bcrypt.checkpw(peppered, hashed.encode("ascii"))
        # Each cost is twice the one before: these add up to what a hash of today's cost takes, so that nobody can tell
        # an account from none by how old its hash is.
        for missing in range(cost, self._cost):
            bcrypt.checkpw(peppered, _nobodys_hash(missing))
        return matches

    def _peppered(self, password: str) -> bytes:
        # A lone surrogate is no character, but a stranger may send one: it has to be a wrong password, not a crash.
        normal = unicodedata.normalize("NFC", password).encode("utf-8", errors="surrogatepass")
        return base64.b64encode(hmac.digest(self._pepper, normal, hashlib.sha256))


def _cost_of(hashed: str) -> int:
    stored = _STORED_HASH.fullmatch(hashed)
    if stored is None:
        raise Fault("A stored password hash is damaged.")
    return int(stored[1])


def _nobodys_hash(cost: int) -> bytes:
    """A salt of that cost and a checksum that nothing has: checking it costs what checking a real one does."""
    return bcrypt.gensalt(cost) + b"." * _CHECKSUM_LENGTH


def _give_way_to_others() -> None:
    """Let this thread run where nobody else wants to: a crowd that logs in must not slow down those who move money.

    Only Linux gives a thread a priority of its own; elsewhere it would be the whole process's.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
