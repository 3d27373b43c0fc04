"""A producer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from ordinaut import calls, retries
from ordinaut.answers import Enqueued, Job, JobSummary, Published, Result
from ordinaut.calls import Call
from ordinaut.errors import ResultTimeout
from ordinaut.new_job import NewJob, seconds

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ordinaut.answers import JobFilter
    from ordinaut.new_job import JobOptions

T = TypeVar("T")


class Client:
    """Enqueues jobs and looks at them, over HTTP. Threads may share one.

    Requests that meet a broken connection, a full queue (429) or an API that cannot reach Postgres (503) are sent
    again for `patience` seconds. Each POST carries an `Idempotency-Key`, so that one whose answer was lost is still
    carried out once. Give `idempotency_key` yourself where the program itself may die and ask again.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 15.0,
        patience: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=url, headers=retries.headers(token), transport=transport)
        self._timeout = timeout
        self._patience = patience

    def enqueue(
        self, kind: str, args: Any = None, *, idempotency_key: str | None = None, **options: Unpack[JobOptions]
    ) -> Enqueued:
        """Enqueues a job. `args` is JSON, a dataclass or a pydantic model; the options are those of `NewJob`."""
        return self._send(calls.enqueue(NewJob(kind=kind, args=args, **options), idempotency_key))

    def enqueue_many(self, jobs: Iterable[NewJob], *, idempotency_key: str | None = None) -> list[Enqueued]:
        """Enqueues up to 10,000 jobs in one transaction: all of them, or none."""
        return self._send(calls.enqueue_many(jobs, idempotency_key))

    def job(self, job_id: str) -> Job:
        """A job, with its last attempts."""
        return self._send(calls.job(job_id))

    def jobs(self, *, args: Mapping[str, Any] | None = None, **filters: Unpack[JobFilter]) -> Iterator[JobSummary]:
        """Jobs to which everything applies that is named, the newest first; pages are fetched as they are needed.
        `args` is a mapping of paths into the arguments to values: `{"customer.id": 7}`."""
        page: dict[str, str] | None = {}
        while page is not None:
            found = self._send(calls.jobs(filters, args, page))
            yield from found.jobs
            page = found.next

    def cancel(self, job_id: str, *, idempotency_key: str | None = None) -> str:
        """Cancels a job: `now` if it waited, `asked` if it runs and its handler has been told."""
        return self._send(calls.cancel(job_id, idempotency_key))

    def requeue(self, job_id: str, *, idempotency_key: str | None = None) -> str:
        """Sends a dead job back to its queue."""
        return self._send(calls.requeue(job_id, idempotency_key))

    def publish(
        self,
        topic: str,
        payload: Any = None,
        *,
        key: str | None = None,
        event_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Published:
        """Publishes an event: tasks of the topic make jobs, and jobs that wait for the topic and the key go on.
        The same `event_id` of a topic a second time does nothing."""
        return self._send(calls.publish(topic, payload, key, event_id, idempotency_key))

    def result(self, job_id: str, *, timeout: float | timedelta | None = None) -> Result:
        """Waits for the end of a job, without an end if no `timeout` is given, and says how it ended."""
        ends = None if timeout is None else time.monotonic() + seconds(timeout)
        while True:
            left = calls.LONGEST_WAIT if ends is None else ends - time.monotonic()
            if (found := self._send(calls.result(job_id, left))) is not None:
                return found
            if ends is not None and time.monotonic() >= ends:
                raise ResultTimeout(f"job {job_id} has not ended within {seconds(timeout or 0)} s")

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, call: Call[T]) -> T:
        tries = retries.Tries(call, self._patience)
        while True:
            try:
                response = self._http.request(
                    call.method,
                    call.path,
                    content=call.body,
                    params=call.params,
                    headers=call.headers(),
                    timeout=retries.timeout(call, self._timeout),
                )
            except httpx.TransportError as error:
                time.sleep(tries.after_silence(error))
                continue
            wait = tries.after_answer(response)
            if wait is None:
                return retries.read(call, response)
            time.sleep(wait)
