"""The thread that tells the API what handlers say while they run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from ordinaut.backoff import REPEATED
from ordinaut.errors import ApiError
from ordinaut.worker.clock import now
from ordinaut.worker.lease_api import LeaseApi
from ordinaut.worker.reports import Part, Reports, Taken, runs

log = logging.getLogger("ordinaut.worker")

GATHER = 0.2
"""Seconds: what is said in this time goes together."""

PROGRESS = 1.0
"""Seconds between two writes of progress: a handler may say it for each row."""

MOST_BYTES = 512 * 1024
"""Of a request; the API takes bodies of 1 MiB."""

MOST_REPORTS = 1000


class Reporter:
    """Requests go one after another, so that the parts of an attempt come in their order. One that comes again does no
    harm: every part has its number."""

    def __init__(self, api: LeaseApi) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._untold: dict[str, Reports] = {}
        self._said = threading.Event()
        self._stop = threading.Event()
        self._progress_at = float("-inf")

    def has(self, reports: Reports) -> None:
        """An attempt has said something."""
        with self._lock:
            self._untold[reports.token] = reports
        self._said.set()

    def run(self) -> None:
        while not self._stop.is_set():
            if self._said.wait(0.5):
                self._stop.wait(GATHER)
                self._said.clear()
                try:
                    self.write()
                except Exception:
                    # An answer that cannot be read must not end this thread.
                    log.exception("could not write what jobs say")

    def stop(self) -> None:
        self._stop.set()

    def write(self) -> None:
        """Writes what attempts have said."""
        with self._lock:
            some, self._untold = list(self._untold.values()), {}
        is_due = now() - self._progress_at >= PROGRESS
        if is_due:
            self._progress_at = now()
        if not self._write(some, progress_is_due=is_due):
            self._stop.wait(PROGRESS)
        for reports in some:
            if reports.is_untold:
                self.has(reports)

    def write_now(self, ending: Iterable[Reports]) -> None:
        """Writes what attempts have said that end. Only while they hold their leases it is accepted."""
        some = [reports for reports in ending if reports.is_untold]
        if some:
            self._write(some, progress_is_due=True)

    def _write(self, some: list[Reports], *, progress_is_due: bool) -> bool:
        """False: the API did not answer, and what was said is left to be written."""
        with self._writing:
            taken = [(reports, reports.take(progress_is_due=progress_is_due)) for reports in some]
            taken = [(reports, of_it) for reports, of_it in taken if not of_it.is_empty]
            try:
                for path, batch in _requests(taken):
                    self._send(path, batch)
            except (ApiError, httpx.HTTPError) as error:
                if isinstance(error, ApiError) and error.status not in REPEATED and error.status < 500:
                    log.warning("the API refuses what jobs say: %s", error)
                    return True
                log.debug("could not write what jobs say, trying again: %s", error)
                for reports, of_it in taken:
                    reports.put_back(of_it)
                return False
            return True

    def _send(self, path: str, batch: list[tuple[Reports, Mapping[str, Any]]]) -> None:
        answers = self._api.report(path, [body for _, body in batch])
        for (reports, _), answer in zip(batch, answers, strict=True):
            if answer["status"] == "lease_lost":
                reports.lose()
            elif answer["status"] == "refused":
                log.warning("what job %s says was refused: %s", answer.get("job_id"), answer.get("reason"))


def _requests(
    taken: list[tuple[Reports, Taken]],
) -> Iterable[tuple[str, list[tuple[Reports, Mapping[str, Any]]]]]:
    """Paths, and what is said there, in requests of a bounded length."""
    progress = [(reports, of_it.progress) for reports, of_it in taken if of_it.progress is not None]
    for first in range(0, len(progress), MOST_REPORTS):
        yield "/leases/progress", list(progress[first : first + MOST_REPORTS])
    for path, name in (("/leases/log", "lines"), ("/leases/output", "chunks")):
        batch: list[tuple[Reports, Mapping[str, Any]]] = []
        size = 0
        for reports, of_it in taken:
            for run in runs(getattr(of_it, name), MOST_BYTES):
                length = sum(len(part.text) * 2 + 100 for part in run)
                if batch and (size + length > MOST_BYTES or len(batch) == MOST_REPORTS):
                    yield path, batch
                    batch, size = [], 0
                parts = [_line(part) if name == "lines" else part.text for part in run]
                batch.append((reports, {"token": reports.token, "first": run[0].n, name: parts}))
                size += length
        if batch:
            yield path, batch


def _line(part: Part) -> dict[str, Any]:
    return {"text": part.text, "level": part.level or "info", "age_seconds": max(0.0, round(now() - part.said_at, 3))}
