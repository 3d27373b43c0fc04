"""What a handler knows of its job, and what it can ask for."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from ordinaut.new_job import NewJob, seconds
from ordinaut.worker.attempt import Attempt
from ordinaut.worker.clock import now
from ordinaut.worker.durable import Approval, Decision, Durable, approval, outcome, payload
from ordinaut.worker.lease import Lease
from ordinaut.worker.lease_api import LeaseApi
from ordinaut.worker.reporter import Reporter
from ordinaut.worker.reports import LogLevel, LogName
from ordinaut.worker.stop import StopReason
from ordinaut.worker.threads import Threads

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ordinaut.new_job import JobOptions

T = TypeVar("T")
Time = float | timedelta


class About:
    """The job, and how this attempt stands."""

    def __init__(self, attempt: Attempt, api: LeaseApi, reporter: Reporter) -> None:
        self._attempt = attempt
        self._reporter = reporter
        self._durable = Durable(attempt, api)
        self.saved_checkpoint: Any = attempt.lease.checkpoint
        """What the job saved last with `checkpoint`; `None`: nothing yet."""
        left = attempt.deadline - now()
        self.deadline: datetime = datetime.now(timezone.utc) + timedelta(seconds=left)
        """When the attempt's time limit is over."""

    @property
    def lease(self) -> Lease:
        """Everything that the API says of the job."""
        return self._attempt.lease

    @property
    def job_id(self) -> str:
        return self._attempt.lease.job_id

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1. Numbers may be missing, and none comes twice."""
        return self._attempt.lease.attempt

    @property
    def failures(self) -> int:
        """The number of attempts that have failed."""
        return self._attempt.lease.failures

    @property
    def kind(self) -> str:
        return self._attempt.lease.kind

    @property
    def queue(self) -> str:
        return self._attempt.lease.queue

    @property
    def tags(self) -> list[str]:
        return self._attempt.lease.tags

    @property
    def tenant(self) -> str | None:
        return self._attempt.lease.tenant

    def is_cancelled(self) -> bool:
        """Whether the handler must stop now, for the reason that `stop_reason` gives."""
        return self._attempt.order is not None

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the handler must stop now; `None` as long as it may go on."""
        return self._attempt.order

    @property
    def is_shutting_down(self) -> bool:
        """Whether the worker has begun to stop: the handler may go on for the worker's grace."""
        return self._attempt.is_shutting_down

    def progress(self, percent: float, note: str = "") -> None:
        """Says how far the job has come, from 0 to 100, and what it is at. It costs nothing to say it for each row: it
        is written once a second at most."""
        self._attempt.reports.progress(percent, note)
        self._reporter.has(self._attempt.reports)

    def advance(self, by: int = 1) -> None:
        """Adds to the job's counter, which begins at 0 in each attempt."""
        self._attempt.reports.advance(by)
        self._reporter.has(self._attempt.reports)

    def log(self, line: str, level: LogLevel | LogName = "info") -> None:
        """Adds a line to the job's log: 1,000 lines and 64 KiB of an attempt are kept. A level may have the name that
        `logging` gives it; another one is a `ValueError`."""
        self._attempt.reports.log(line, level)
        self._reporter.has(self._attempt.reports)

    def stream(self, chunk: str) -> None:
        """Adds to the text that the attempt puts out while it runs: 1 MiB of an attempt is kept."""
        self._attempt.reports.stream(chunk)
        self._reporter.has(self._attempt.reports)


class Context(About):
    """That of a handler that runs in a thread. Once nothing that the handler does counts any more, these calls raise
    something that is no `Exception`; let it pass."""

    def wait_cancelled(self, timeout: float | None = None) -> bool:
        """Waits until the handler must stop, in place of `time.sleep`; false: it may go on after this time."""
        return self._attempt.stopped.wait(timeout)

    def checkpoint(self, data: Any) -> None:
        """Keeps a value for the next attempt, 16 KiB of JSON at most; a later call replaces it."""
        self._durable.save_checkpoint(data)
        self.saved_checkpoint = data

    def parameters(self) -> Any:
        """The newest parameters that the job was given after it was enqueued; `None`: none. Ask again: a heartbeat may
        have brought others. Only the first question waits for the API."""
        return self._durable.parameters()

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Does something once: `work` runs, and its result is recorded under the name as JSON; later attempts of the
        job get the result, and do not run it. An exception of `work` is raised, and nothing is recorded."""
        step = self._durable.name(name)
        if (found := self._durable.recorded(step)) is not None:
            return found.result
        began = now()
        value = work()
        return self._durable.record(step, value, now() - began)

    def enqueue(self, name: str, kind: str, args: Any = None, **options: Unpack[JobOptions]) -> str:
        """Enqueues a job once, as a step: its id, or that of the job that holds its unique key."""
        step = self._durable.name(name)
        if (found := self._durable.recorded(step)) is not None:
            return str(found.result)
        return self._durable.enqueue(step, NewJob(kind=kind, args=args, **options))

    def sleep(self, name: str, time: Time) -> None:
        """Ends the attempt, and goes on here when the time is over, counted from when the job first came here."""
        self._wait(name, kind="sleep", seconds=seconds(time))

    def wait_for(self, name: str, topic: str, key: str = "", timeout: Time | None = None) -> Any:
        """Ends the attempt, and goes on with the payload of an event of the topic and the key; `None`: none came in
        time."""
        limit = None if timeout is None else seconds(timeout)
        return payload(self._wait(name, kind="event", topic=topic, key=key, seconds=limit))

    def wait_for_job(self, job_id: str, timeout: Time | None = None) -> str | None:
        """Ends the attempt, and goes on when another job has ended, with its outcome; `None`: it had not in time."""
        limit = None if timeout is None else seconds(timeout)
        return outcome(job_id, self._wait(f"end of {job_id}", kind="job", job_id=job_id, seconds=limit))

    def approval(
        self, name: str, question: str, *, within: Time | None = None, or_else: Decision = "rejected"
    ) -> Approval:
        """Asks people, ends the attempt, and goes on with their answer; with `or_else` if nobody answers in time."""
        limit = None if within is None else seconds(within)
        return approval(self._wait(name, kind="approval", question=question, fallback=or_else, seconds=limit))

    def _wait(self, name: str, **wait: Any) -> Any:
        step = self._durable.name(name)
        if (found := self._durable.recorded(step)) is not None:
            return found.result
        return self._durable.wait(step, **wait)


class AsyncContext(About):
    """That of a handler that runs in the event loop: as `Context`. The handler is cancelled at its `await` when it must
    stop."""

    def __init__(self, attempt: Attempt, api: LeaseApi, reporter: Reporter, threads: Threads) -> None:
        super().__init__(attempt, api, reporter)
        # Requests are made in threads, so that they and their repeats are the same for both kinds of handlers.
        self._threads = threads

    async def checkpoint(self, data: Any) -> None:
        await self._in_thread(lambda: self._durable.save_checkpoint(data))
        self.saved_checkpoint = data

    async def parameters(self) -> Any:
        if self._attempt.asked_for_parameters:
            return self._durable.parameters()
        return await self._in_thread(self._durable.parameters)

    async def step(self, name: str, work: Callable[[], Awaitable[Any] | Any]) -> Any:
        step = self._durable.name(name)
        if (found := await self._recorded(step)) is not None:
            return found.result
        began = now()
        value = work()
        if inspect.isawaitable(value):
            value = await value
        took = now() - began
        return await self._in_thread(lambda: self._durable.record(step, value, took))

    async def enqueue(self, name: str, kind: str, args: Any = None, **options: Unpack[JobOptions]) -> str:
        step = self._durable.name(name)
        if (found := await self._recorded(step)) is not None:
            return str(found.result)
        job = NewJob(kind=kind, args=args, **options)
        return await self._in_thread(lambda: self._durable.enqueue(step, job))

    async def sleep(self, name: str, time: Time) -> None:
        await self._wait(name, kind="sleep", seconds=seconds(time))

    async def wait_for(self, name: str, topic: str, key: str = "", timeout: Time | None = None) -> Any:
        limit = None if timeout is None else seconds(timeout)
        return payload(await self._wait(name, kind="event", topic=topic, key=key, seconds=limit))

    async def wait_for_job(self, job_id: str, timeout: Time | None = None) -> str | None:
        limit = None if timeout is None else seconds(timeout)
        return outcome(job_id, await self._wait(f"end of {job_id}", kind="job", job_id=job_id, seconds=limit))

    async def approval(
        self, name: str, question: str, *, within: Time | None = None, or_else: Decision = "rejected"
    ) -> Approval:
        limit = None if within is None else seconds(within)
        return approval(await self._wait(name, kind="approval", question=question, fallback=or_else, seconds=limit))

    async def _wait(self, name: str, **wait: Any) -> Any:
        step = self._durable.name(name)
        if (found := await self._recorded(step)) is not None:
            return found.result
        return await self._in_thread(lambda: self._durable.wait(step, **wait))

    async def _recorded(self, step: str) -> Any:
        if self._durable.is_read:
            return self._durable.recorded(step)
        return await self._in_thread(lambda: self._durable.recorded(step))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._threads.submit(work))
