"""Somebody who listens to live updates, and what they hear."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was sent."""

    name: str
    id: str
    data: Any


class Stream:
    """An open stream, read as a browser reads one."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last_id = ""
        """What a browser sends as `Last-Event-ID` when it comes back."""

    async def next(self, *names: str) -> Event:
        """The next event, of those names where any are given. Raises EOFError at the stream's end, TimeoutError."""
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                event = await self._block()
                if event is not None and (not names or event.name in names):
                    return event

    async def begun(self) -> "Stream":
        """Itself, once it stands somewhere."""
        async with asyncio.timeout(SECONDS_MAX):
            while not self.last_id:
                await self._block()
        return self

    async def ended(self, *, seconds_max: float = SECONDS_MAX) -> None:
        """Return once it is over. Raises TimeoutError."""
        async with asyncio.timeout(seconds_max):
            try:
                while True:
                    await self._block()
            except (EOFError, aiohttp.ClientError):
                return

    async def _block(self) -> Event | None:
        """What stands up to the next empty line, if that is an event."""
        fields: dict[str, str] = {}
        while True:
            line = (await self.response.content.readline()).decode()
            if not line:
                raise EOFError
            if line == "\n":
                break
            name, _, value = line.rstrip("\n").partition(":")
            fields[name] = value.removeprefix(" ")
        self.last_id = fields.get("id", self.last_id)
        return Event(fields["event"], fields["id"], json.loads(fields["data"])) if "data" in fields else None


@asynccontextmanager
async def listening(
    session: aiohttp.ClientSession, url: str, token: str, *, last_id: str | None = None
) -> AsyncIterator[Stream]:
    """A stream, open while the block runs."""
    headers = {"Authorization": f"Bearer {token}"} | ({} if last_id is None else {"Last-Event-ID": last_id})
    async with session.get(f"{url}/events", headers=headers, timeout=aiohttp.ClientTimeout(total=None)) as response:
        assert response.status == 200, await response.read()
        yield Stream(response)
