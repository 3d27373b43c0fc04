"""The thread that looks at the clock."""

from __future__ import annotations

from ordinaut.worker.clock import now
from ordinaut.worker.session import Session

TICK = 0.1
"""Seconds between two looks."""


class Watch:
    """It stops attempts whose time is over, and ends the session when the lease is, also while the heartbeat hangs
    where no time limit reaches, in a look-up of a name for example."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self) -> None:
        while not self._session.ended.wait(TICK) and self._session.holds():
            at = now()
            for attempt in self._session.attempts():
                attempt.look(at)
