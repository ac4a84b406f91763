"""A folder in which messages end up, where nobody outside shall get any: one file for each."""

import asyncio
import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Final, assert_never
from uuid import UUID

from wallet_core.clock import Clock
from wallet_core.faults import Unavailable
from wallet_core.ids import IdGenerator
from wallet_core.notifications.messages import Mail, Message, Received, Sms

KEPT_MAX: Final = 500
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600

_log = logging.getLogger(__name__)


class FolderMailbox:
    """A Courier and a Mailbox in one. Any number of processes may use one folder.

    The names of the files sort by age; the last `kept_max` stay. Only their owner can read them: they hold secrets.
    """

    def __init__(self, folder: Path, *, clock: Clock, ids: IdGenerator, kept_max: int = KEPT_MAX) -> None:
        self._folder = folder
        self._clock = clock
        self._ids = ids
        self._kept_max = kept_max

    async def deliver(self, message: Message) -> None:
        """As Courier.deliver."""
        received = Received(id=self._ids(), message=message, received_at=self._clock())
        try:
            await asyncio.to_thread(self._keep, received)
        except OSError as error:
            raise Unavailable(f"The mailbox cannot be written to: {error.strerror}.") from None

    async def newest(self, number: int, *, to: str | None = None) -> list[Received]:
        """As Mailbox.newest. What is no message of ours is passed over."""
        return await asyncio.to_thread(self._read, number, to)

    def _keep(self, received: Received) -> None:
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        unfinished = self._folder / f"{received.id}.part"
        unfinished.touch(mode=_FILE_MODE, exist_ok=False)
        unfinished.write_text(json.dumps(_written(received), ensure_ascii=False), encoding="utf-8")
        # Whoever looks meanwhile sees the whole of it or nothing.
        unfinished.rename(self._folder / f"{received.id}.json")
        for superfluous in self._newest_first()[self._kept_max :]:
            superfluous.unlink(missing_ok=True)

    def _read(self, number: int, to: str | None) -> list[Received]:
        found: list[Received] = []
        for path in self._newest_first():
            received = _read_one(path)
            if received is not None and (to is None or received.message.to.lower() == to.lower()):
                found.append(received)
            if len(found) == number:
                break
        return found

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"), reverse=True)


def _written(received: Received) -> dict[str, str]:
    message = received.message
    match message:
        case Mail():
            said = {"channel": "mail", "to": message.to, "subject": message.subject, "body": message.body}
            if message.html is not None:
                said["html"] = message.html
        case Sms():
            said = {"channel": "sms", "to": message.to, "body": message.body}
        case _:
            assert_never(message)
    return {"id": str(received.id), "received_at": received.received_at.isoformat(), **said}


def _read_one(path: Path) -> Received | None:
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        message: Message
        if written["channel"] == "mail":
            message = Mail(to=written["to"], subject=written["subject"], body=written["body"], html=written.get("html"))
        else:
            message = Sms(to=written["to"], body=written["body"])
        return Received(
            id=UUID(written["id"]), message=message, received_at=datetime.fromisoformat(written["received_at"])
        )
    except FileNotFoundError:
        return None  # another process has just cleared it away
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("A file in the mailbox is no message: %s: %s", path.name, type(error).__name__)
        return None
