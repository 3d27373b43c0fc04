"""Runs handlers, and says how their attempts end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from ordinaut.worker.attempt import Attempt
from ordinaut.worker.context import AsyncContext, Context
from ordinaut.worker.end import Cancel, End, Fatal, Retry, Snooze, Suspended, Unavailable, raised, returned
from ordinaut.worker.handler import Handler
from ordinaut.worker.lease_api import LeaseApi
from ordinaut.worker.reporter import Reporter
from ordinaut.worker.slots import Slots
from ordinaut.worker.stop import Stopped, StopReason
from ordinaut.worker.threads import Threads

log = logging.getLogger("ordinaut.worker")

ANSWERS = (Retry, Snooze, Cancel, Fatal, Suspended, Unavailable, Stopped)
"""What handlers raise to say something; all else is logged with where it came from."""


class Runner:
    """Functions run in threads, coroutines in the event loop. Each attempt has taken a slot, and gives it back here."""

    def __init__(
        self,
        api: LeaseApi,
        reporter: Reporter,
        handlers: Mapping[str, Handler],
        slots: Slots,
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self._api = api
        self._reporter = reporter
        self._handlers = handlers
        self._slots = slots
        self._loop = loop
        self._threads = Threads("ordinaut-handler", slots.number)
        # An asynchronous handler may have several requests under way.
        self._requests = Threads("ordinaut-request", slots.number + 8)

    def run(self, attempt: Attempt) -> None:
        handler = self._handlers.get(attempt.lease.kind)
        if handler is not None and handler.stalls_after is not None:
            attempt.reports.watch(handler.stalls_after, handler.cancel_stalled)
            self._reporter.has(attempt.reports)
        if handler is None:
            attempt.finish(End("failed", error="this worker has no handler for this kind"))
            self._slots.give_back()
        elif handler.is_async and self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._in_loop(handler, attempt, self._loop), self._loop)
        else:
            self._threads.submit(lambda: self._in_thread(handler, attempt))

    def _in_thread(self, handler: Handler, attempt: Attempt) -> None:
        try:
            if attempt.counts:
                context = Context(attempt, self._api, self._reporter)
                attempt.finish(returned(handler.function(handler.args(attempt.lease.args), context)))
        except BaseException as error:
            attempt.finish(_failed(attempt, error))
        finally:
            self._slots.give_back()

    async def _in_loop(self, handler: Handler, attempt: Attempt, loop: asyncio.AbstractEventLoop) -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        try:
            if attempt.counts:
                context = AsyncContext(attempt, self._api, self._reporter, self._requests)
                attempt.begin(lambda: loop.call_soon_threadsafe(task.cancel))
                attempt.finish(returned(await handler.function(handler.args(attempt.lease.args), context)))
        except asyncio.CancelledError as error:
            is_ours = attempt.order is StopReason.CANCELLED
            attempt.finish(End("cancelled", error="cancelled") if is_ours else _failed(attempt, error))
        except BaseException as error:
            # Also what would end the loop, and with it all other handlers.
            attempt.finish(_failed(attempt, error))
        finally:
            self._slots.give_back()


def _failed(attempt: Attempt, error: BaseException) -> End:
    if attempt.counts and not isinstance(error, ANSWERS):
        lease = attempt.lease
        log.warning("job %s attempt %d (%s) failed", lease.job_id, lease.attempt, lease.kind, exc_info=error)
    return raised(error)
