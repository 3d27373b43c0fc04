"""Steps and waits of a durable handler, as docs/durable.md describes them. These calls block."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import httpx

from ordinaut.errors import ApiError
from ordinaut.json_text import encode
from ordinaut.new_job import NewJob
from ordinaut.worker.attempt import Attempt
from ordinaut.worker.book import Book, Recorded
from ordinaut.worker.end import Fatal, Suspended
from ordinaut.worker.lease_api import LeaseApi
from ordinaut.worker.patience import GivenUp, until_answered
from ordinaut.worker.stop import Stopped, StopReason

T = TypeVar("T")

Decision = Literal["approved", "rejected"]

REFUSED = frozenset({400, 413, 422})
"""Statuses that another attempt would get as well."""


@dataclass(frozen=True)
class Approval:
    """The answer to an approval."""

    decision: Decision
    by: str | None
    """Who answered; `None`: nobody did in time."""
    note: str | None
    at: str | None

    @property
    def is_approved(self) -> bool:
        return self.decision == "approved"

    @property
    def is_expired(self) -> bool:
        return self.by is None


class Durable:
    """What one attempt records and waits for. Each request is repeated until it is answered or the attempt is over."""

    def __init__(self, attempt: Attempt, api: LeaseApi) -> None:
        self._attempt = attempt
        self._api = api
        self._book = Book()
        self._reading = threading.Lock()
        # The first attempt finds nothing.
        self._is_read = attempt.lease.attempt == 1

    @property
    def is_read(self) -> bool:
        """Whether `recorded` answers without a request."""
        return self._is_read

    def name(self, name: str) -> str:
        """The name of the step that the handler asks for now. Called before anything is waited for: the order of the
        calls decides the numbers of equal names."""
        return self._book.name(name)

    def recorded(self, step: str) -> Recorded | None:
        """What was recorded under this name; all names are read at the first question."""
        self.must_count()
        with self._reading:
            if not self._is_read:
                self._book.add(self._ask(step, lambda: self._api.steps(self._attempt.lease.token)))
                self._is_read = True
        return self._book.find(step)

    def record(self, step: str, value: Any, ran_seconds: float) -> Any:
        """Records the result of a step. The answer is what later attempts get: JSON, so that a handler does not see a
        tuple in its first attempt and a list in the next."""
        try:
            result = json_value(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise Fatal(f"step {step!r}: its result cannot be written as JSON: {error}") from error
        answer = self._ask(step, lambda: self._api.record(self._attempt.lease.token, step, result, ran_seconds))
        result = result if answer["recorded"] else answer["result"]
        self._book.add({step: result})
        return result

    def enqueue(self, step: str, job: NewJob) -> str:
        """Enqueues a job, and records its id as the step, in one commit."""
        body = job.body()
        job_id = self._ask(step, lambda: self._api.enqueue(self._attempt.lease.token, step, body))
        self._book.add({step: job_id})
        return job_id

    def wait(self, step: str, **wait: Any) -> Any:
        """The result of a wait that is over; else it raises what ends the attempt."""
        given = {name: value for name, value in wait.items() if value is not None}
        answer = self._ask(step, lambda: self._api.wait(self._attempt.lease.token, step, given))
        if not answer["over"]:
            raise Suspended(float(answer["seconds"]))
        self._book.add({step: answer["result"]})
        return answer["result"]

    def save_checkpoint(self, data: Any) -> None:
        self._ask("checkpoint", lambda: self._api.checkpoint(self._attempt.lease.token, data))

    def parameters(self) -> Any:
        """The newest parameters. The first question is asked of the API; after it, heartbeats tell."""
        if not self._attempt.asked_for_parameters:
            n, value = self._ask("parameters", lambda: self._api.parameters(self._attempt.lease.token))
            self._attempt.give(n, value)
            self._attempt.asked_for_parameters = True
        return self._attempt.parameters[1]

    def must_count(self) -> None:
        """Raises if nothing that the handler does counts any more."""
        if not self._attempt.counts:
            raise Stopped(self._attempt.order or StopReason.CANCELLED)

    def _ask(self, step: str, send: Callable[[], T]) -> T:
        self.must_count()
        try:
            return until_answered(f"record step {step!r}", send, self._goes_on)
        except GivenUp:
            self.must_count()
            raise
        except ApiError as error:
            if error.reason == "lease_lost":
                self._attempt.stop(StopReason.LEASE_LOST)
                raise Stopped(StopReason.LEASE_LOST) from error
            if error.status in REFUSED:
                raise Fatal(f"step {step!r}: {error}") from error
            raise
        except httpx.HTTPError as error:
            raise ConnectionError(f"step {step!r}: {error!r}") from error

    def _goes_on(self, seconds: float) -> bool:
        attempt = self._attempt
        if attempt.order is StopReason.CANCELLED:
            # It has been told, and goes on for its grace: the event is set already.
            attempt.session.ended.wait(seconds)
        else:
            attempt.stopped.wait(seconds)
        return attempt.counts and attempt.session.holds()


def json_value(value: Any) -> Any:
    """A value as it comes back from JSON."""
    return json.loads(encode(value))


def payload(result: Any) -> Any:
    """Of a wait for an event: what was published, `None` if nothing was in time."""
    return None if result is None else result["payload"]


def outcome(job_id: str, result: Any) -> str | None:
    """Of a wait for a job: how it ended, `None` if it had not in time."""
    if result is None:
        return None
    if result["outcome"] == "unknown":
        raise Fatal(f"there is no job {job_id}")
    return str(result["outcome"])


def approval(result: Any) -> Approval:
    return Approval(result["decision"], result.get("by"), result.get("note"), result.get("at"))
