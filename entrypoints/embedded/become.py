"""Run as a script: makes itself ready to be a server, then becomes it. The process id stays the same.

    become.py PARENT SIGNAL UID GID COMMAND…

PARENT is who started it; when that one ends, the kernel sends SIGNAL. UID and GID are whom to run as, or `-`.

It is a script of its own because Python code between fork and exec (`preexec_fn`) can deadlock in a parent that has
threads, and newer Pythons warn of it.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: str, signal: str, uid: str, gid: str, *command: str) -> None:
    """Never returns: becomes the command, or ends with code 1 when the parent is gone and 127 without a command."""
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        # After the change of user, which would undo it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal))
    if os.getppid() != int(parent):
        # The parent ended before the kernel was asked: nobody would tell us any more.
        sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 (our parent's own command line)
    except OSError as refused:
        sys.stderr.write(f"{command[0]}: {refused}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(*sys.argv[1:])
