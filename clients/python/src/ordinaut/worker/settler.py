"""The thread that tells the API how attempts ended."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ordinaut.errors import ApiError
from ordinaut.worker.attempt import Attempt
from ordinaut.worker.end import End
from ordinaut.worker.lease_api import LeaseApi
from ordinaut.worker.patience import GivenUp, until_answered
from ordinaut.worker.reporter import Reporter

log = logging.getLogger("ordinaut.worker")

MOST_ENDS = 1000
MOST_BYTES = 768 * 1024
"""Of a batch; the API takes bodies of 1 MiB."""


@dataclass(frozen=True)
class Ended:
    """An attempt that ended, and as what."""

    attempt: Attempt
    written: bytes
    is_second: bool = False
    """The API refused the first end: this one says so."""


class Settler:
    """Ends that come while a request is under way go together in the next one. A batch is repeated until it is answered
    or its session is lost; a token's end is written once, so a repeat does no harm."""

    def __init__(self, api: LeaseApi, reporter: Reporter) -> None:
        self._api = api
        self._reporter = reporter
        self._ends: queue.Queue[Ended] = queue.Queue()
        self._stop = threading.Event()
        self._held_over: Ended | None = None

    def add(self, attempt: Attempt, end: End, ran_seconds: float) -> None:
        self._ends.put(Ended(attempt, end.written(attempt.lease.token, ran_seconds)))

    def run(self) -> None:
        while not self._stop.is_set():
            if batch := self._next():
                try:
                    self._settle(batch)
                except Exception:
                    # An answer that cannot be read. The next heartbeat does not name these, so they are given back.
                    log.exception("could not settle %d jobs", len(batch))
                    for ended in batch:
                        ended.attempt.session.leave(ended.attempt.lease.token)
                finally:
                    for _ in batch:
                        self._ends.task_done()

    def flush(self, patience: float) -> bool:
        """Waits until everything is answered; false: it was not in this time."""
        with self._ends.all_tasks_done:
            return self._ends.all_tasks_done.wait_for(lambda: self._ends.unfinished_tasks == 0, patience)

    def stop(self) -> None:
        self._stop.set()

    def _next(self) -> list[Ended]:
        """The first end, and what waits behind it."""
        batch: list[Ended] = []
        size = 0
        while len(batch) < MOST_ENDS:
            ended, self._held_over = self._held_over, None
            if ended is None:
                try:
                    ended = self._ends.get(timeout=0.5) if not batch else self._ends.get_nowait()
                except queue.Empty:
                    break
            if batch and size + len(ended.written) > MOST_BYTES:
                self._held_over = ended
                break
            batch.append(ended)
            size += len(ended.written) + 1
        return batch

    def _settle(self, batch: list[Ended]) -> None:
        # Those of a lost session would be refused, and may be of a job that runs elsewhere.
        batch = [ended for ended in batch if ended.attempt.session.holds()]
        if not batch:
            return
        # Before the ends, with which the leases are gone.
        self._reporter.write_now(ended.attempt.reports for ended in batch)
        sent = 0

        def send() -> list[Mapping[str, Any]]:
            nonlocal sent
            sent += 1
            return self._api.settle(ended.written for ended in batch)

        try:
            answers = until_answered("settle jobs", send, lambda seconds: self._goes_on(batch, seconds))
        except GivenUp as error:
            log.warning("%s; the API takes these jobs back", error)
        except ApiError as error:
            self._apart(batch, error)
        else:
            for ended, answer in zip(batch, answers, strict=True):
                self._answered(ended, answer, was_repeated=sent > 1)

    def _goes_on(self, batch: list[Ended], seconds: float) -> bool:
        return not self._stop.wait(seconds) and any(ended.attempt.session.holds() for ended in batch)

    def _apart(self, batch: list[Ended], error: ApiError) -> None:
        """One end must not hold up those that it came with."""
        if len(batch) > 1:
            for ended in batch:
                self._settle([ended])
        elif error.status in (401, 403):
            log.error("could not settle job %s: %s", batch[0].attempt.lease.job_id, error)
            batch[0].attempt.session.die("the API refuses the worker")
        else:
            self._refused(batch[0], str(error))

    def _answered(self, ended: Ended, answer: Mapping[str, Any], *, was_repeated: bool) -> None:
        attempt, status = ended.attempt, answer["status"]
        if status == "refused":
            self._refused(ended, str(answer.get("reason")))
            return
        attempt.session.leave(attempt.lease.token)
        if status == "lease_lost":
            # The first try of a repeated request may have been written, and its answer lost.
            level = logging.DEBUG if was_repeated else logging.WARNING
            log.log(level, "job %s attempt %d ended after its lease", attempt.lease.job_id, attempt.lease.attempt)

    def _refused(self, ended: Ended, reason: str) -> None:
        """An end that the API cannot accept buries the job: another attempt would end in the same way."""
        attempt = ended.attempt
        log.error("the end of job %s attempt %d was refused: %s", attempt.lease.job_id, attempt.lease.attempt, reason)
        if ended.is_second:
            attempt.session.leave(attempt.lease.token)
            return
        end = End("dead", error=f"the end of the attempt was refused: {reason}")
        self._ends.put(Ended(attempt, end.written(attempt.lease.token, 0.0), is_second=True))
