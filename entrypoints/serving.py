"""Serving HTTP: one application in one or several processes on one port, and a stop that loses nothing.

Several processes share the port by SO_REUSEPORT: the kernel deals the connections out. The first process serves
nothing then; it watches the others, replaces one that dies, and takes them along when it ends.
"""

import asyncio
import ctypes
import faulthandler
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from multiprocessing.context import SpawnProcess
from typing import Final

import structlog
from aiohttp import web

from entrypoints.collector import spare_what_stays
from entrypoints.http.wire import WireRunner
from entrypoints.log_setup import configure_logging
from entrypoints.metrics.processes import Forget, figures_of_several
from entrypoints.settings import Settings
from wallet_core.faults import Fault

ApplicationFactory = Callable[[Settings], AbstractAsyncContextManager[web.Application]]
"""Opens what an application needs, and closes it. For several processes it must be importable by name."""

EXIT_STOPPED: Final = 0
EXIT_FAILED: Final = 1
EXIT_CANNOT_LISTEN: Final = 2

KEEPALIVE_SECONDS: Final = 75
"""How long an idle connection stays open. AppRunner's own default is an hour: a gift to whoever opens thousands."""
LINGERING_SECONDS: Final = 2
"""How long the rest of a body is read and dropped after a handler answered without it."""
CLEANUP_SECONDS: Final = 3
"""How long closing pools may take after the last request. What takes longer is ended by force."""

_BACKLOG: Final = 1024
_PR_SET_PDEATHSIG: Final = 1
_STDERR: Final = 2
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class RespawnPolicy:
    """When a dead process is replaced, and when trying again is given up."""

    quick_death_seconds: float = 10
    """A process that lived shorter than this counts as one that failed to start."""
    quick_deaths_max: int = 6
    """So many in a row in one place mean that the next would die as well."""
    delay_seconds_first: float = 0.25
    delay_seconds_max: float = 5

    def delay(self, quick_deaths: int) -> float:
        """Seconds to wait before the next start, twice as many after each quick death."""
        if quick_deaths == 0:
            return 0
        # The exponent has a limit of its own: a float has one too, and raises at it.
        return min(self.delay_seconds_first * 2.0 ** min(quick_deaths - 1, 32), self.delay_seconds_max)


def serve(
    factory: ApplicationFactory,
    settings: Settings,
    *,
    workers: int | None = None,
    respawn: RespawnPolicy | None = None,
    listening: Callable[[], None] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code of this process.

    0: stopped, everything in flight finished. 1: the application failed, or its processes kept dying. 2: nothing can
    listen on that host and port. `workers` (else the settings' own number) is the number of processes; with one it is
    this process, and `listening` is called once requests are taken. To be called in the main thread.
    """
    configure_logging(settings.log_level)
    log = structlog.get_logger(__name__)
    processes = settings.workers if workers is None else workers
    try:
        # Without SO_REUSEPORT first, whatever follows: with it a second service would quietly share the port.
        bound = _bound_socket(settings.host, settings.port, reuse_port=False)
        if processes > 1:
            port = bound.getsockname()[1]
            bound.close()
            # Never listened on: it keeps the port ours while no process does.
            bound = _bound_socket(settings.host, port, reuse_port=True)
    except OSError as error:
        reason = error.strerror or str(error)
        log.error(f"cannot listen on {settings.host}:{settings.port}: {reason}")  # noqa: TRY400  # no traceback needed
        return EXIT_CANNOT_LISTEN
    with bound:
        if processes == 1:
            return _run(factory, settings, bound, listening)
        port = bound.getsockname()[1]
        supervisor = _Supervisor(factory, settings, port=port, processes=processes, policy=respawn or RespawnPolicy())
        return supervisor.run()


def _bound_socket(host: str, port: int, *, reuse_port: bool) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


def _run(
    factory: ApplicationFactory, settings: Settings, bound: socket.socket, listening: Callable[[], None] | None = None
) -> int:
    """Serve in this process until it is told to stop."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve_until_stopped(factory, settings, bound, listening))
    except Fault as fault:
        structlog.get_logger(__name__).error("the service cannot run", fault=str(fault))
        return EXIT_FAILED
    except Exception:  # noqa: BLE001  # the last one who can say why the process ends
        structlog.get_logger(__name__).exception("the service failed")
        return EXIT_FAILED
    finally:
        # The event loop has given up its handlers. Whoever says stop again meets a process that has, and a death by
        # that signal would look as if it had not.
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        faulthandler.cancel_dump_traceback_later()
    return EXIT_STOPPED


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve_until_stopped(
    factory: ApplicationFactory, settings: Settings, bound: socket.socket, listening: Callable[[], None] | None
) -> None:
    log = structlog.get_logger(__name__)
    stopped = _stop_event(settings.shutdown_seconds)
    async with factory(settings) as application:
        runner = WireRunner(
            application,
            handle_signals=False,
            handler_cancellation=False,
            keepalive_timeout=KEEPALIVE_SECONDS,
            lingering_time=LINGERING_SECONDS,
            # The application writes its own line for each request, with the route in place of the path.
            access_log=None,
            # aiohttp waits this long twice: for handlers at work, then for those among them that still read a body
            # and were told that none will come.
            shutdown_timeout=settings.shutdown_seconds / 2,
        )
        await runner.setup()
        spare_what_stays()
        try:
            await web.SockSite(runner, bound, backlog=_BACKLOG).start()
            host, port = bound.getsockname()[:2]
            log.info("listening", host=host, port=port, pid=os.getpid())
            if listening is not None:
                listening()
            await stopped.wait()
            log.info("stopping", pid=os.getpid())
        finally:
            await runner.cleanup()
    # Until `_run` ignores them: closing the loop gives them their deadly meaning back.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)


def _stop_event(shutdown_seconds: float) -> asyncio.Event:
    """Set by SIGTERM, by SIGINT, and by the end of the process that started this one."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    parent = multiprocessing.parent_process()

    def stop() -> None:
        if parent is not None:
            loop.remove_reader(parent.sentinel)
        if not stopped.is_set():
            stopped.set()
            # Works from outside the event loop, whatever that is stuck in, and leaves behind where it was.
            faulthandler.dump_traceback_later(shutdown_seconds + CLEANUP_SECONDS, exit=True, file=_STDERR)

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    # A process of several was started with them held back: what came while it was loading comes now.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    if parent is not None:
        loop.add_reader(parent.sentinel, stop)
    return stopped


def _worker(factory: ApplicationFactory, settings: Settings, port: int) -> None:
    """What one of several processes does."""
    configure_logging(settings.log_level)
    _end_with_parent()
    with _bound_socket(settings.host, port, reuse_port=True) as bound:
        sys.exit(_run(factory, settings, bound))


def _end_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent dies, where it can; the event loop watches the pipe in any case."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    parent = multiprocessing.parent_process()
    if parent is None or os.getppid() != parent.pid:
        sys.exit(EXIT_FAILED)


class _Place:
    """Room for one process: the one that runs there, and how those before it fared."""

    def __init__(self) -> None:
        self.process: SpawnProcess | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.quick_deaths = 0

    def note_death(self, policy: RespawnPolicy, now: float) -> None:
        """Count it, and set when the next is due."""
        self.process = None
        self.quick_deaths = self.quick_deaths + 1 if now - self.started_at < policy.quick_death_seconds else 0
        self.start_at = now + policy.delay(self.quick_deaths)


class _Supervisor:
    """Keeps a number of processes running, and stops them all."""

    def __init__(
        self, factory: ApplicationFactory, settings: Settings, *, port: int, processes: int, policy: RespawnPolicy
    ) -> None:
        self._factory = factory
        self._settings = settings
        self._port = port
        self._policy = policy
        self._places = [_Place() for _ in range(processes)]
        self._stopping = False
        # Forking would copy the state of whatever threads and locks this process already has.
        self._spawning = multiprocessing.get_context("spawn")
        self._log = structlog.get_logger(__name__)

    def run(self) -> int:
        """Until a signal says stop, or the processes keep dying."""
        # Started by the first process otherwise, and it lifts the hold on signals that a start relies on.
        resource_tracker.ensure_running()
        with figures_of_several() as forget, self._signals_noted() as wake:
            try:
                self._watch(wake, forget)
            finally:
                stopped_well = self._stop_all()
        return EXIT_STOPPED if self._stopping and stopped_well else EXIT_FAILED

    def _watch(self, wake: socket.socket, forget: Forget) -> None:
        while not self._stopping:
            now = time.monotonic()
            for place in self._places:
                if place.process is not None and place.process.exitcode is not None:
                    self._note_death(place.process, forget)
                    place.note_death(self._policy, now)
                if place.quick_deaths >= self._policy.quick_deaths_max:
                    self._log.error("giving up: a process died again and again", times=place.quick_deaths)
                    return
                if place.process is None and place.start_at <= now:
                    self._start(place)
            self._wait(wake)

    def _note_death(self, process: SpawnProcess, forget: Forget) -> None:
        self._log.warning("a process died", pid=process.pid, exit_code=process.exitcode)
        if process.pid is not None:
            forget(process.pid)
        process.close()

    def _start(self, place: _Place) -> None:
        place.started_at = time.monotonic()
        process = self._spawning.Process(
            target=_worker, args=(self._factory, self._settings, self._port), name="wallet-server", daemon=True
        )
        # Ctrl-C reaches all processes of a terminal: one that is still loading would die of it with a traceback.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
        place.process = process

    def _wait(self, wake: socket.socket) -> None:
        """Until a process dies, a signal comes, or a start is due."""
        sentinels = [place.process.sentinel for place in self._places if place.process is not None]
        due = [place.start_at for place in self._places if place.process is None]
        timeout = max(min(due) - time.monotonic(), 0) if due else None
        if wake in connection.wait([wake, *sentinels], timeout):
            wake.recv(64)

    def _stop_all(self) -> bool:
        """End every process, by force if it must be; whether none had to be forced."""
        running = [place.process for place in self._places if place.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._settings.shutdown_seconds + CLEANUP_SECONDS + 1
        for process in running:
            process.join(max(deadline - time.monotonic(), 0))
            if process.exitcode is None:
                self._log.error("a process did not stop and was killed", pid=process.pid)
                process.kill()
                process.join()
        return all(process.exitcode == EXIT_STOPPED for process in running)

    @contextmanager
    def _signals_noted(self) -> Iterator[socket.socket]:
        """SIGTERM and SIGINT mean stop; the socket becomes readable when one comes."""
        wake, alarm = socket.socketpair()
        wake.settimeout(0)
        alarm.settimeout(0)

        def note(_number: int, _frame: object) -> None:
            self._stopping = True

        before = {number: signal.signal(number, note) for number in _STOP_SIGNALS}
        before_fd = signal.set_wakeup_fd(alarm.fileno(), warn_on_full_buffer=False)
        try:
            yield wake
        finally:
            signal.set_wakeup_fd(before_fd)
            for number, handler in before.items():
                signal.signal(number, handler)
            wake.close()
            alarm.close()
