"""Client and worker for Ordinaut, a job system on Postgres."""

from ordinaut.answers import Enqueued, Job, JobFilter, JobState, JobSummary, Outcome, Published, Result, RunRecord
from ordinaut.async_client import AsyncClient
from ordinaut.client import Client
from ordinaut.errors import ApiError, OrdinautError, ResultTimeout, Unreachable
from ordinaut.new_job import Backoff, JobOptions, NewJob, Placement, Unique
from ordinaut.worker import (
    Approval,
    AsyncContext,
    Cancel,
    Context,
    Fatal,
    Retry,
    Snooze,
    StopReason,
    Unavailable,
    Worker,
)

__all__ = [
    "ApiError",
    "Approval",
    "AsyncClient",
    "AsyncContext",
    "Backoff",
    "Cancel",
    "Client",
    "Context",
    "Enqueued",
    "Fatal",
    "Job",
    "JobFilter",
    "JobOptions",
    "JobState",
    "JobSummary",
    "NewJob",
    "OrdinautError",
    "Outcome",
    "Placement",
    "Published",
    "Result",
    "ResultTimeout",
    "Retry",
    "RunRecord",
    "Snooze",
    "StopReason",
    "Unavailable",
    "Unique",
    "Unreachable",
    "Worker",
]
