"""Serve a library until somebody says stop."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from soutu.errors import InputError
from soutu.library import default_home, default_library, default_models
from soutu.library.folder import FolderLibrary
from soutu.library.owner import SERVE, hold
from soutu.library.place import absolute
from soutu.models.store import ModelStore
from soutu.web.app import create_app
from soutu.web.jobs import Jobs
from soutu.web.server import Server
from soutu.web.thumbnails import Thumbnails

if TYPE_CHECKING:
    from soutu.web.settings import Settings

BACKLOG = 2048
"""Connections that may wait to be taken."""
KEEP_ALIVE_SECONDS = 30
"""How long a connection may be idle between two requests."""
GRACE_SECONDS = 20
"""How long requests under way have to end when the server is told to stop."""
_FILES = 65_536  # open files wanted: a connection is one
_M_ARENA_MAX = -8  # of <malloc.h>
_ARENAS = 2

_log = logging.getLogger("soutu.web")


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Where a library is being served."""

    url: str
    library: Path
    grpc_port: int | None = None


def serve(
    where: Path | str | None = None,
    *,
    settings: Settings,
    token_file: Path | None = None,
    grpc_port: int | None = None,
    on_ready: Callable[[Ready], None],
) -> None:
    """Serve the library in a folder (default: `default_library()`) until SIGTERM or SIGINT.

    A library that is missing is made, unless the server is read-only. With `grpc_port` gRPC is
    served there too (0: any free port). `on_ready` is called once requests are answered. At a
    signal, requests under way are answered, the running job is stopped at its next step, and the
    function returns; a second signal ends the process. Raises LibraryBusy, with the address, where
    the library is being served already; InputError for an address that cannot be taken;
    MissingExtra for gRPC without its packages.
    """
    _allow_many_files()
    _keep_memory_together()
    place = absolute(where or default_library())
    store = ModelStore(default_models())
    with ExitStack() as stack:
        library = stack.enter_context(
            FolderLibrary(
                place,
                store=store,
                create=not settings.read_only,
                task=SERVE,
                concepts=default_home() / "concepts",
            )
        )
        held = hold(place, SERVE, task=SERVE)
        stack.callback(held.release)
        listener = stack.enter_context(_bound(settings.host, settings.port))
        url = _address(settings.host, listener.getsockname()[1])
        held.tell(url=url, token_file=None if token_file is None else str(absolute(token_file)))
        server = Server(
            library=library,
            store=store,
            settings=settings,
            jobs=Jobs(),
            thumbnails=Thumbnails(
                place / "thumbnails", max_pixels=int(settings.max_megapixels * 1e6)
            ),
        )
        stops: list[Callable[[], object]] = [server.jobs.close]
        ready = Ready(url=url, library=place)
        if grpc_port is not None:
            from soutu.web.rpc.serving import start_grpc

            rpc = start_grpc(server, settings.host, grpc_port)
            stack.callback(rpc.stop)
            stops.insert(0, rpc.stop)
            ready = replace(ready, grpc_port=rpc.port)
        runner = Runner(server, on_ready=lambda: on_ready(ready), stops=stops)
        runner.run(sockets=[listener])


class Runner(uvicorn.Server):
    """Run a server's application in this thread, from the main one with signals.

    `stops` end whatever else works for it, while the last requests are being answered.
    """

    def __init__(
        self,
        server: Server,
        *,
        on_ready: Callable[[], None],
        stops: Sequence[Callable[[], object]] = (),
    ) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(server),
                loop="auto" if sys.platform == "win32" else "uvloop",
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._server, self._on_ready, self._stops = server, on_ready, stops

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests end; streams of events, which have no end, and jobs are told to."""
        self._server.feed.end()
        stopping = [threading.Thread(target=stop, name="soutu-stop") for stop in self._stops]
        for each in stopping:
            each.start()
        await super().shutdown(sockets)
        for each in stopping:
            each.join()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM. Unlike uvicorn's own, they are not raised again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            # What was started with its signals ignored (nohup, `&` in a script) keeps that.
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, self.handle_exit)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - given
        """Ask for the end; the second time, end. Locks go with the process, writes are whole."""
        if self.should_exit:
            os._exit(128 + sig)
        self.should_exit = True


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """Take an address, port 0 any free one. Raises InputError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise InputError(f"there is no address {host!r} on this machine: {error}") from error
    with listener:
        try:
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            msg = f"cannot serve at {host} port {port}: {reason}. Another port: --port 0 takes any"
            raise InputError(msg) from error
        yield listener


def _address(host: str, port: int) -> str:
    """Return where this machine reaches a server."""
    name = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what to replace
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _allow_many_files() -> None:
    """Raise the soft limit of open files, which is often 1,024, towards the hard one."""
    with suppress(ImportError, OSError, ValueError):  # not on Windows; a limit that must stay
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _keep_memory_together() -> None:
    """Let all threads share few arenas of glibc's malloc.

    With one each, its default, memory that one thread has freed does not serve another: the server
    went on growing for as long as it was asked.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library, or none to ask
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
