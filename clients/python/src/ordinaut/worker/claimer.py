"""The thread that claims jobs for the free slots."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from ordinaut.errors import ApiError
from ordinaut.worker.lease import Lease
from ordinaut.worker.lease_api import LeaseApi, is_session_dead
from ordinaut.worker.patience import GivenUp, until_answered
from ordinaut.worker.session import Session
from ordinaut.worker.slots import Slots

log = logging.getLogger("ordinaut.worker")

LONG_POLL = 20.0
"""Seconds that a claim waits for a job: less than proxies wait for an answer."""

MOST_LEASES = 100
"""Of one claim; an answer of a thousand jobs with large arguments would take long to come."""

IDLE_PAUSE = 0.5
"""Seconds until the next claim when one was answered with nothing before its time."""


class Claimer:
    """One claim at a time, under a number. An answer that was lost is asked for again under the same number, and
    brings the same jobs."""

    def __init__(
        self,
        api: LeaseApi,
        session: Session,
        slots: Slots,
        start: Callable[[Session, int, list[Lease]], None],
        may_claim: Callable[[], bool],
    ) -> None:
        self._api = api
        self._session = session
        self._slots = slots
        self._start = start
        self._may_claim = may_claim

    def run(self) -> None:
        try:
            self._claim_on()
        except Exception:
            # An answer that cannot be read, or a bug: with this thread the session would do nothing any more.
            log.exception("could not claim jobs")
            self._session.die("its claims failed")

    def _claim_on(self) -> None:
        number = 0
        while self._may_claim() and self._session.holds():
            free = self._slots.wait_free(0.5)
            if not free or not self._may_claim():
                continue
            if self._session.is_draining:
                self._session.ended.wait(IDLE_PAUSE)
                continue
            number += 1
            asked_at = time.monotonic()
            leases = self._claim(number, min(free, MOST_LEASES))
            if leases is None:
                return
            self._start(self._session, number, leases)
            if not leases and time.monotonic() - asked_at < IDLE_PAUSE:
                self._session.ended.wait(IDLE_PAUSE)

    def _claim(self, number: int, most: int) -> list[Lease] | None:
        sent = 0

        def send() -> list[Mapping[str, Any]]:
            nonlocal sent
            sent += 1
            suspects = not self._session.runs_suspect()
            return self._api.claim(self._session.id, number, most, LONG_POLL, again=sent > 1, suspects=suspects)

        try:
            found = until_answered("claim jobs", send, self._goes_on)
        except GivenUp:
            return None
        except ApiError as error:
            if is_session_dead(error):
                self._session.die("its API says that it is dead")
            else:
                log.error("could not claim jobs: %s", error)
                self._session.die("the API refuses its claims")
            return None
        return [Lease.read(lease) for lease in found]

    def _goes_on(self, seconds: float) -> bool:
        return not self._session.ended.wait(seconds) and self._session.holds() and self._may_claim()
