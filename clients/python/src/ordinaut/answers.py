"""What the API answers, as it comes: times are RFC 3339. A test compares the fields with the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

JobState = Literal["scheduled", "waiting", "running", "parked", "succeeded", "cancelled", "dead"]
Outcome = Literal["succeeded", "failed", "snoozed", "cancelled", "dead", "lost", "released"]


@dataclass(frozen=True)
class Enqueued:
    """A job that was enqueued, or the one that holds its unique key."""

    id: str
    duplicate: bool


@dataclass(frozen=True)
class Result:
    """How a job ended: its outcome, and what its last attempt left."""

    outcome: Outcome
    attempt: int
    error: str | None
    output: Any

    @property
    def succeeded(self) -> bool:
        return self.outcome == "succeeded"


class Published(TypedDict):
    """What an event reached."""

    tasks: int
    jobs: int


class RunRecord(TypedDict):
    """An attempt that ended."""

    attempt: int
    session: str | None
    started_at: str | None
    finished_at: str
    outcome: Outcome
    error: str | None
    output: Any


class JobSummary(TypedDict):
    """A job as lists have it; `args` are there if the list was asked for them."""

    id: str
    kind: str
    queue: str
    priority: int
    tags: list[str]
    tenant: str | None
    task_id: str | None
    created_at: str
    state: JobState
    attempt: int
    run_at: str | None
    finished_at: str | None


class Job(TypedDict):
    """A job with its last attempts."""

    id: str
    kind: str
    queue: str
    priority: int
    args: Any
    max_attempts: int | None
    timeout: float | None
    tags: list[str]
    scheduled_for: str | None
    tenant: str | None
    batch_id: str | None
    created_at: str
    state: JobState
    attempt: int
    failures: int
    run_at: str | None
    session: str | None
    cancel_asked: bool
    has_worker: bool
    queue_paused: bool
    waits: dict[str, Any] | None
    note: str | None
    runs: list[RunRecord]
    runs_next: int | None


class JobFilter(TypedDict, total=False):
    """What `jobs` lists: those to which everything applies that is named."""

    state: JobState
    kind: str
    queue: str
    tag: str
    tenant: str
    task: str
    batch: str
    worker: str
    created_after: str
    created_before: str
    finished_after: str
    finished_before: str
    error: str
    sort: Literal["created_at", "-created_at"]
    include: Literal["args"]
    limit: int
