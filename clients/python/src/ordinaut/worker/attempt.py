"""One attempt of a job, from its lease to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ordinaut.worker.clock import now
from ordinaut.worker.end import End, stopped
from ordinaut.worker.lease import Lease
from ordinaut.worker.reports import Reports
from ordinaut.worker.stop import CANCEL_GRACE, StopReason

if TYPE_CHECKING:
    from ordinaut.worker.session import Session


class Attempt:
    """It ends once, by what comes first: the handler's end, or an order to stop that outweighs it. The handler's
    thread may go on after that, and holds its slot until it ends; what it returns then is ignored."""

    def __init__(
        self, lease: Lease, session: Session, settle: Callable[[Attempt, End, float], None], limit: float
    ) -> None:
        self.lease = lease
        self.session = session
        self.limit = limit
        self.started = now()
        self.reports = Reports(lease.token)
        self.parameters: tuple[int, Any] = (0, None)
        """The newest that the job was given, and which of the job's they are."""
        self.is_shutting_down = False
        self.stopped = threading.Event()
        """Set by the first order to stop."""
        self._settle = settle
        self.asked_for_parameters = False
        # Reentrant: an asynchronous handler may end within the call that tells it to stop.
        self._lock = threading.RLock()
        self._order: StopReason | None = None
        self._ended = False
        self._grace_ends: float | None = None
        self._tell: Callable[[], Any] | None = None

    @property
    def order(self) -> StopReason | None:
        return self._order

    @property
    def deadline(self) -> float:
        """When its time limit is over, by the worker's clock."""
        return self.started + self.limit

    @property
    def counts(self) -> bool:
        """Whether anything that its handler does still counts."""
        return not self._ended

    def begin(self, tell: Callable[[], Any]) -> None:
        """`tell` is called at each order to stop, and now if one came before."""
        with self._lock:
            self._tell = tell
            if self._order is not None:
                tell()

    def finish(self, end: End) -> None:
        """The handler has ended so."""
        with self._lock:
            if not self._ended:
                self._end(end)

    def stop(self, reason: StopReason) -> None:
        """Orders it to stop. All but a cancel end the attempt here and now."""
        with self._lock:
            if self._ended or (self._order is not None and reason <= self._order):
                return
            self._order = reason
            if reason is StopReason.CANCELLED:
                self._grace_ends = now() + CANCEL_GRACE
            else:
                self._end(stopped(reason, self.limit))
            self.stopped.set()
            if self._tell is not None:
                self._tell()

    def give(self, n: int, value: Any) -> None:
        """Parameters came; those that are older than the known ones are late."""
        with self._lock:
            if n > self.parameters[0]:
                self.parameters = (n, value)

    def look(self, at: float) -> None:
        """Stops it if its time, or the grace of its cancel, is over."""
        if at >= self.deadline:
            self.stop(StopReason.TIMED_OUT)
        with self._lock:
            if self._grace_ends is not None and at >= self._grace_ends and not self._ended:
                self._end(stopped(StopReason.CANCELLED, self.limit))
                if self._tell is not None:
                    self._tell()

    def _end(self, end: End | None) -> None:
        if end is None:
            self.session.leave(self.lease.token)
        else:
            # Before it counts as ended: an end that cannot be written must leave room for another one.
            self._settle(self, end, now() - self.started)
        self._ended = True
