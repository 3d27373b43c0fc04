"""The life of a worker: sessions, one after another, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from ordinaut.backoff import delay
from ordinaut.errors import OrdinautError
from ordinaut.worker.attempt import Attempt
from ordinaut.worker.claimer import Claimer
from ordinaut.worker.clock import now
from ordinaut.worker.handler import Handler
from ordinaut.worker.heartbeat import Heartbeat
from ordinaut.worker.lease import Lease
from ordinaut.worker.lease_api import LeaseApi
from ordinaut.worker.patience import GivenUp, until_answered
from ordinaut.worker.reporter import Reporter
from ordinaut.worker.runner import Runner
from ordinaut.worker.session import Session
from ordinaut.worker.settler import Settler
from ordinaut.worker.slots import Slots
from ordinaut.worker.stop import StopReason
from ordinaut.worker.watch import Watch

log = logging.getLogger("ordinaut.worker")

LAST_WORDS = 5.0
"""Seconds that the last ends, and the end of the session, have to be written."""


@dataclass(frozen=True)
class Options:
    """What a worker is told when it is made."""

    url: str
    token: str
    profile: Mapping[str, Any]
    """The body of `POST /sessions`."""
    slots: int
    timeout: float
    grace: float
    transport: httpx.BaseTransport | None


class Engine:
    """Its own thread opens sessions and closes the last one. Claims, heartbeats, settles and the clock have a thread
    each, so that none of them waits for another."""

    def __init__(
        self, options: Options, handlers: Mapping[str, Handler], loop: asyncio.AbstractEventLoop | None
    ) -> None:
        self._options = options
        self._api = LeaseApi(options.url, options.token, options.transport)
        self._pulse = LeaseApi(options.url, options.token, options.transport)
        self._slots = Slots(options.slots)
        self._reporter = Reporter(self._api)
        self._settler = Settler(self._api, self._reporter)
        self._runner = Runner(self._api, self._reporter, handlers, self._slots, loop)
        self._session: Session | None = None
        self._stops = 0
        # Its `put` may be called in a signal handler.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()

    def stop(self) -> None:
        """Begins to stop; a second call ends the grace. From any thread, and from a signal handler."""
        self._stops += 1
        self._wake.put(None)

    def run(self) -> None:
        """Runs jobs until it is stopped. Raises what the API refuses when a session is opened."""
        _thread("settler", self._settler.run)
        _thread("reporter", self._reporter.run)
        short_lives = 0
        try:
            while (session := self._open()) is not None:
                opened_at = now()
                self._session = session
                self._serve(session)
                # A session that dies at once will do so again.
                short_lives = short_lives + 1 if now() - opened_at < LAST_WORDS else 0
                if short_lives and not self._pause(delay(short_lives, random.random())):
                    break
        finally:
            self._drain()
            self._settler.stop()
            self._reporter.stop()

    def _open(self) -> Session | None:
        """`None`: it was told to stop."""
        sent_at = now()

        def send() -> Mapping[str, Any]:
            nonlocal sent_at
            sent_at = now()
            return self._api.open_session(self._options.profile)

        if self._stops:
            return None
        try:
            answer = until_answered("open a session", send, self._pause)
        except GivenUp:
            return None
        session = Session(
            str(answer["session"]), float(answer["lease_seconds"]), float(answer["heartbeat_seconds"]), sent_at
        )
        log.info("worker %s has session %s", self._options.profile["name"], session.id)
        return session

    def _serve(self, session: Session) -> None:
        """Until the session is lost or the worker is told to stop."""
        _thread("heartbeat", Heartbeat(self._pulse, session).run)
        _thread("watch", Watch(session).run)
        _thread("claimer", Claimer(self._api, session, self._slots, self._start, lambda: not self._stops).run)
        while not self._stops and not session.ended.is_set():
            self._pause(0.2)

    def _start(self, session: Session, claim: int, leases: list[Lease]) -> None:
        made = (
            Attempt(lease, session, self._settler.add, lease.timeout_seconds or self._options.timeout)
            for lease in leases
        )
        begun = session.enter(claim, made)
        self._slots.take(len(begun))
        for attempt in begun:
            if self._stops:
                attempt.stop(StopReason.SHUTDOWN)
                self._slots.give_back()
            else:
                self._runner.run(attempt)

    def _drain(self) -> None:
        """Lets handlers end, gives back what is left, and closes the session."""
        session = self._session
        if session is None or session.ended.is_set():
            return
        ends = now() + self._options.grace
        while self._stops < 2 and now() < ends and session.holds():
            running = [attempt for attempt in session.attempts() if attempt.counts]
            if not running:
                break
            for attempt in running:
                attempt.is_shutting_down = True
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=0.05)
        for attempt in session.attempts():
            attempt.stop(StopReason.SHUTDOWN)
        if not self._settler.flush(LAST_WORDS):
            log.warning("some ends could not be written; the API gives these jobs back")
        if not session.holds():
            return
        session.close()
        try:
            self._api.close_session(session.id, LAST_WORDS)
        except (OrdinautError, httpx.HTTPError) as error:
            log.warning("could not close session %s, which ends with its lease: %s", session.id, error)

    def _pause(self, seconds: float) -> bool:
        """Waits, and says whether the worker goes on."""
        if not self._stops:
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=seconds)
        return not self._stops


def _thread(name: str, run: Callable[[], None]) -> None:
    threading.Thread(target=run, name=f"ordinaut-{name}", daemon=True).start()
