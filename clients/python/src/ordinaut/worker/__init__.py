"""A worker: it leases jobs from the API, runs handlers, and settles what becomes of the jobs."""

from ordinaut.worker.context import AsyncContext, Context
from ordinaut.worker.durable import Approval
from ordinaut.worker.end import Cancel, Fatal, Retry, Snooze, Unavailable
from ordinaut.worker.stop import StopReason
from ordinaut.worker.worker import Worker

__all__ = ["Approval", "AsyncContext", "Cancel", "Context", "Fatal", "Retry", "Snooze", "StopReason", "Unavailable", "Worker"]
