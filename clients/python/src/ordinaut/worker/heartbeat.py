"""The thread that renews the leases."""

from __future__ import annotations

import logging
import random

import httpx

from ordinaut.backoff import delay
from ordinaut.errors import ApiError
from ordinaut.worker.clock import now
from ordinaut.worker.lease_api import LeaseApi, is_session_dead
from ordinaut.worker.session import Session
from ordinaut.worker.stop import StopReason

log = logging.getLogger("ordinaut.worker")


class Heartbeat:
    """It runs on a thread and a connection of its own: a handler that blocks the event loop, and a claim or a settle
    that hangs, do not hold it up. What holds the interpreter's lock for longer than a lease does."""

    def __init__(self, api: LeaseApi, session: Session) -> None:
        self._api = api
        self._session = session
        # A connection that hangs must leave the lease room for other tries.
        self._patience = max(1.0, session.lease_seconds / 6)

    def run(self) -> None:
        session = self._session
        pause = session.heartbeat_seconds
        failures = 0
        while not session.ended.wait(pause) and session.holds():
            try:
                self.beat()
            except ApiError as error:
                if is_session_dead(error):
                    session.die("its API says that it is dead")
                    return
                reason = str(error)
            except httpx.TransportError as error:
                reason = repr(error)
            except Exception as error:
                # An answer that cannot be read is no heartbeat, and must not end this thread.
                reason = repr(error)
            else:
                pause, failures = session.heartbeat_seconds, 0
                continue
            failures += 1
            if failures % 10 == 1:
                log.warning("heartbeat of session %s failed, %d in a row: %s", session.id, failures, reason)
            pause = min(delay(failures, random.random()), self._patience)

    def beat(self) -> None:
        """One heartbeat, and what it says of the attempts."""
        session = self._session
        running, answered = session.report()
        sent_at = now()
        answer = self._api.heartbeat(session.id, running, answered, self._patience)
        session.renewed(sent_at, float(answer["lease_seconds"]))
        for given in answer.get("parameters", []):
            attempt = session.find(str(given["job_id"]), int(given["attempt"]))
            if attempt is not None:
                attempt.give(int(given["n"]), given["value"])
        for cancelled in answer.get("cancel", []):
            self._stop(cancelled, StopReason.CANCELLED)
        for lost in answer.get("lost", []):
            self._stop(lost, StopReason.LEASE_LOST)
        session.is_draining = bool(answer.get("drain", False))

    def _stop(self, named: dict[str, object], reason: StopReason) -> None:
        attempt = self._session.find(str(named["job_id"]), int(str(named["attempt"])))
        if attempt is None:
            return
        attempt.stop(reason)
        if reason is StopReason.LEASE_LOST:
            # Also if it had ended: its end will not be accepted.
            self._session.leave(attempt.lease.token)
