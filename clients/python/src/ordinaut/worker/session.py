"""One life of the worker at the API, and the attempts that it holds there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from ordinaut.worker.attempt import Attempt
from ordinaut.worker.clock import now
from ordinaut.worker.stop import StopReason

log = logging.getLogger("ordinaut.worker")

HOLDS = 5 / 6
"""The part of a lease for which a worker may trust it: handlers need time to stop before others begin."""


class Session:
    """It holds until the API says that it is dead, or the lease is almost over by the worker's own clock: soon its jobs
    run elsewhere, and nothing of them may be written any more. It never comes back."""

    def __init__(self, session_id: str, lease_seconds: float, heartbeat_seconds: float, opened_at: float) -> None:
        self.id = session_id
        self.lease_seconds = lease_seconds
        self.heartbeat_seconds = heartbeat_seconds
        self.is_draining = False
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._expires_at = opened_at + lease_seconds * HOLDS
        self._answered = 0
        self._attempts: dict[str, Attempt] = {}
        """By token, until the API has answered how they ended: a heartbeat gives back what it does not name."""

    def renewed(self, sent_at: float, lease_seconds: float) -> None:
        """A heartbeat that was sent at this time succeeded. The lease runs from then: when the answer came says
        nothing about when the API renewed it."""
        if self.holds():
            with self._lock:
                self._expires_at = max(self._expires_at, sent_at + lease_seconds * HOLDS)

    def holds(self) -> bool:
        if not self.ended.is_set() and now() >= self._expires_at:
            self.die("no heartbeat has succeeded for almost a lease")
        return not self.ended.is_set()

    def die(self, reason: str) -> None:
        """Everything it held is lost."""
        with self._lock:
            if self.ended.is_set():
                return
            self.ended.set()
            attempts = list(self._attempts.values())
            self._attempts.clear()
        log.warning("session %s is lost with %d jobs: %s", self.id, len(attempts), reason)
        for attempt in attempts:
            attempt.stop(StopReason.LEASE_LOST)

    def close(self) -> None:
        """The worker ends it."""
        self.ended.set()

    def enter(self, claim: int, attempts: Iterable[Attempt]) -> list[Attempt]:
        """The answer to a claim: the attempts that begin. With the number of the claim they become known in one step,
        or a heartbeat in between would give them back."""
        holds = self.holds()
        with self._lock:
            if not holds or self.ended.is_set():
                return []
            self._answered = max(self._answered, claim)
            # A claim that was repeated may bring what is known.
            new = [attempt for attempt in attempts if attempt.lease.token not in self._attempts]
            self._attempts.update((attempt.lease.token, attempt) for attempt in new)
            return new

    def runs_suspect(self) -> bool:
        """Whether it runs a job that may have killed a worker before: of these it takes one at a time."""
        return any(attempt.lease.suspect for attempt in self.attempts())

    def leave(self, token: str) -> None:
        """The API has answered how it ended, or it is lost."""
        with self._lock:
            self._attempts.pop(token, None)

    def report(self) -> tuple[list[str], int]:
        """What a heartbeat says: all tokens, and up to which claim they are complete."""
        with self._lock:
            return list(self._attempts), self._answered

    def attempts(self) -> list[Attempt]:
        with self._lock:
            return list(self._attempts.values())

    def find(self, job_id: str, attempt: int) -> Attempt | None:
        matches = (
            known for known in self.attempts() if known.lease.job_id == job_id and known.lease.attempt == attempt
        )
        return next(matches, None)
