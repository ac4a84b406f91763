"""PostgreSQL's folder on disk: made once, guarded by a password, and asked whether a server lives on it."""

import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from entrypoints.embedded.process import ServerFailed, run_to_end
from entrypoints.embedded.quarters import Quarters

SUPERUSER = "postgres"

_MAKE_SECONDS_MAX = 60.0
_PS_SECONDS_MAX = 5.0
# Lines of postmaster.pid from 0: the server's process id, and what it is doing.
_PID_LINE = 0
_STATUS_LINE = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The files of one server: `data`, `password` and `log`, all in the same place."""

    quarters: Quarters

    @property
    def data(self) -> Path:
        """What PostgreSQL calls its data directory."""
        return self.quarters.place / "data"

    @property
    def log(self) -> Path:
        """What the server of the last start wrote."""
        return self.quarters.place / "postgres.log"

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs."""
        return str(self.quarters.binaries / name)

    def make(self, *, durable: bool) -> None:
        """Make the cluster if there is none: UTF8, C locale, scram-sha-256 for everybody.

        It gets its name only when it is whole, so that an interrupted attempt leaves nothing to trip over.
        `durable` says whether the files must survive a power cut. Raises ServerFailed, with what initdb said.
        """
        if self.data.exists():
            return
        unfinished = self.data.with_name("data.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.password()
        run_to_end(
            [
                self.program("initdb"),
                f"--pgdata={unfinished}",
                f"--username={SUPERUSER}",
                f"--pwfile={self._password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
                *([] if durable else ["--no-sync"]),
            ],
            run_as=self.quarters.run_as,
            cwd=self.quarters.place,
            seconds_max=_MAKE_SECONDS_MAX,
        )
        unfinished.rename(self.data)

    def password(self) -> str:
        """The superuser's password, made at the first call. Raises ServerFailed when data is there but it is not."""
        try:
            return self._password_file.read_text().strip()
        except FileNotFoundError:
            if self.data.exists():
                raise ServerFailed(f"{self._password_file} is gone: without it nobody reaches {self.data}") from None
        password = secrets.token_urlsafe(24)
        descriptor = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(password)
        run_as = self.quarters.run_as
        if run_as.user is not None and run_as.group is not None:
            # initdb reads it as the user it runs as.
            os.chown(self._password_file, run_as.user, run_as.group)
        return password

    def accepts_connections(self, pid: int) -> bool:
        """Whether the server of that process id says that it is ready."""
        lines = self._lock_file_lines()
        return (
            len(lines) > _STATUS_LINE
            and lines[_PID_LINE].strip() == str(pid)
            and lines[_STATUS_LINE].strip() == "ready"
        )

    def live_server(self) -> int | None:
        """The process id of a server that lives on this data, if there is one."""
        lines = self._lock_file_lines()
        if not lines or not lines[_PID_LINE].strip().isdigit():
            return None
        pid = int(lines[_PID_LINE])
        # The id alone proves nothing: a killed server's number goes to some other process sooner or later.
        return pid if str(self.data) in _command_line(pid) else None

    def clear_stale_lock(self) -> None:
        """Remove the lock file of a server that is gone; PostgreSQL balks when its number lives on in another."""
        if self.live_server() is None:
            self._lock_file.unlink(missing_ok=True)

    def wipe(self) -> None:
        """Remove data, password and log."""
        for folder in (self.data, self.data.with_name("data.new")):
            if folder.exists():
                shutil.rmtree(folder)
        self._password_file.unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)

    @property
    def _password_file(self) -> Path:
        return self.quarters.place / "password"

    @property
    def _lock_file(self) -> Path:
        return self.data / "postmaster.pid"

    def _lock_file_lines(self) -> list[str]:
        try:
            return self._lock_file.read_text().splitlines()
        except FileNotFoundError:
            return []


def _command_line(pid: int) -> str:
    """The command line of a process; empty when there is no such process."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    listed = subprocess.run(  # noqa: S603 (no shell, a number of ours)
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 (wherever the system keeps it)
        capture_output=True,
        text=True,
        timeout=_PS_SECONDS_MAX,
        check=False,
    )
    return listed.stdout
