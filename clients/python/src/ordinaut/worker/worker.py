"""What a program makes to run jobs."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import httpx

from ordinaut.new_job import seconds
from ordinaut.worker.engine import Engine, Options
from ordinaut.worker.handler import Handler
from ordinaut.worker.threads import Threads

F = TypeVar("F", bound=Callable[[Any, Any], Any])

VERSION = "0.1.0"


class Worker:
    """Runs jobs of the kinds that it has handlers for.

    `slots`: maximum number of jobs at once. `lease`: seconds after which its jobs run elsewhere if nothing is heard of
    it. `timeout`: that of jobs which name none. `grace`: for how long handlers may go on when it stops.
    `max_attempts`: how often jobs that name no number may fail. `labels`: what it has, of what jobs may ask, such as
    `{"gpu": "", "zone": "a"}`. `version`: that of the program, for rollouts.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        queues: Sequence[str] = ("default",),
        name: str | None = None,
        slots: int = 10,
        lease: float | timedelta = 30.0,
        timeout: float | timedelta = 3600.0,
        grace: float | timedelta = 30.0,
        max_attempts: int | None = None,
        labels: Mapping[str, str] | None = None,
        version: str = VERSION,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        self._token = token
        self._slots = slots
        self._timeout = seconds(timeout)
        self._grace = seconds(grace)
        self._transport = transport
        self._handlers: dict[str, Handler] = {}
        self._engine: Engine | None = None
        self._profile: dict[str, Any] = {
            "name": name or f"{socket.gethostname()}/{os.getpid()}",
            "queues": list(queues),
            "capacity": slots,
            "lease_seconds": seconds(lease),
            "host": socket.gethostname(),
            "version": version,
            "language": f"python {platform.python_version()}",
        }
        if labels is not None:
            self._profile["labels"] = dict(labels)
        if max_attempts is not None:
            self._profile["max_attempts"] = max_attempts

    def handler(
        self, kind: str, *, stalls_after: float | timedelta | None = None, cancel_stalled: bool = False
    ) -> Callable[[F], F]:
        """Makes a function the handler of a kind: `def f(args, ctx)` runs in a thread, `async def f(args, ctx)` in the
        event loop. `args` is JSON, or what its annotation says: a pydantic model or a dataclass. What the function
        returns is the output of the run.

        `stalls_after`: time after which a job is stalled whose progress does not change, by `ctx.progress` or
        `ctx.advance`; `cancel_stalled`: it is cancelled then."""

        def register(function: F) -> F:
            if kind in self._handlers:
                raise ValueError(f"there is a handler of {kind!r} already")
            after = None if stalls_after is None else seconds(stalls_after)
            self._handlers[kind] = Handler.of(kind, function, stalls_after=after, cancel_stalled=cancel_stalled)
            return function

        return register

    def run(self) -> None:
        """Runs jobs until SIGTERM or SIGINT, or until `stop`: then it claims nothing more, lets handlers end within the
        grace, and gives back the rest. Coroutines run in an event loop in a thread."""
        loop = asyncio.new_event_loop() if self._has_coroutines() else None
        if loop is not None:
            threading.Thread(target=loop.run_forever, name="ordinaut-loop", daemon=True).start()
        engine = self._begin(loop)
        is_main = threading.current_thread() is threading.main_thread()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)} if is_main else {}
        for number in before:
            signal.signal(number, lambda _number, _frame: engine.stop())
        try:
            engine.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            if loop is not None:
                loop.call_soon_threadsafe(loop.stop)

    async def serve(self) -> None:
        """Runs jobs in a program with an event loop of its own, in which coroutines run, until `stop` is called or this
        is cancelled."""
        engine = self._begin(asyncio.get_running_loop())
        running = asyncio.wrap_future(Threads("ordinaut-engine", 1).submit(engine.run))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            engine.stop()
            await running
            raise

    def stop(self) -> None:
        """Begins to stop; a second call ends the grace."""
        if self._engine is not None:
            self._engine.stop()

    def _has_coroutines(self) -> bool:
        return any(handler.is_async for handler in self._handlers.values())

    def _begin(self, loop: asyncio.AbstractEventLoop | None) -> Engine:
        if not self._handlers:
            raise ValueError("a worker needs a handler")
        profile = {**self._profile, "kinds": sorted(self._handlers)}
        options = Options(self._url, self._token, profile, self._slots, self._timeout, self._grace, self._transport)
        self._engine = Engine(options, dict(self._handlers), loop)
        return self._engine
