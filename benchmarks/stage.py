"""Where everything is measured: servers of our own, in a folder that is gone afterwards."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.books import Books, Size
from benchmarks.children import plain_environment
from benchmarks.processes import Kind
from benchmarks.usage import Meter
from entrypoints.embedded.postgres import EmbeddedPostgres
from entrypoints.embedded.valkey import EmbeddedValkey

_PREFIX: Final = "wallet-bench-"
_POSTGRES: Final = "postgres-"
_ROOT: Final = Path("/var/tmp")  # noqa: S108 - a disk, where /tmp is memory on many machines; the folder is ours alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The folder, the servers, and the secrets of this run. PostgreSQL has the settings that it comes with.

    There is a server for each size of books, so that the checkpoints of each come from its own work.
    """

    home: Path
    postgres: Mapping[Size, EmbeddedPostgres]
    valkey: EmbeddedValkey
    jwt_secret: str
    pepper: str

    def environment(self, books: Books, *, cached: bool = True) -> dict[str, str]:
        """What a service on those books is told: what has a default keeps it."""
        told = {
            **plain_environment(),
            "DATABASE_URL": books.service_dsn,
            "JWT_SECRET": self.jwt_secret,
            "PASSWORD_PEPPER": self.pepper,
            "SEALING_KEYS": f"k1:{'5e' * 32}",
        }
        if cached:
            told["REDIS_URL"] = f"redis://127.0.0.1:{self.valkey.port}/{books.cache}"
        return told

    def meter(self, books: Books, serving: Iterable[int] = ()) -> Meter:
        """Counts what the servers under those books use, and those processes of a service and all that they started."""
        postgres = self.postgres[books.size]
        roots = {Kind.SERVER: serving, Kind.POSTGRES: (postgres.pid,), Kind.VALKEY: (self.valkey.pid,)}
        return Meter(roots, postgres.dsn)


@contextmanager
def stage(home: Path, sizes: Sequence[Size]) -> Iterator[Stage]:
    """The servers while the block runs, on whatever data the home holds."""
    with ExitStack() as stack:
        yield Stage(
            home=home,
            postgres={size: stack.enter_context(postgres_for(home, size)) for size in sizes},
            valkey=stack.enter_context(EmbeddedValkey(home / "valkey")),
            jwt_secret=secrets.token_hex(32),
            pepper=secrets.token_hex(32),
        )


def postgres_for(home: Path, size: Size, settings: Mapping[str, str] | None = None) -> EmbeddedPostgres:
    """The server for books of that size; `settings` are for those who make them."""
    return EmbeddedPostgres(home / f"{_POSTGRES}{size.name}", settings=settings)


@contextmanager
def scratch_home() -> Iterator[Path]:
    """A folder on a disk, removed in the end; what killed runs left behind goes first."""
    for left in _ROOT.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if left.stat().st_uid == os.getuid() and pid.isdigit() and not Path(f"/proc/{pid}").exists():
            _remove(left)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_ROOT))
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    # Where root had to leave the data elsewhere, the server knows where.
    for data in folder.glob(f"{_POSTGRES}*"):
        EmbeddedPostgres(data).wipe()
    shutil.rmtree(folder)
