"""A job that is to be enqueued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

OnDuplicate = Literal["skip", "replace", "debounce", "error", "until_started", "run_again"]
AfterPolicy = Literal["cancel", "run", "bury"]


class Unique(TypedDict, total=False):
    """What makes a job unique; docs/http-api.md says what each field means."""

    args: list[str]
    all_args: bool
    queue: bool
    key: str
    period: float
    mode: OnDuplicate
    after_end: float


class Fixed(TypedDict):
    """The same wait after each failure."""

    kind: Literal["fixed"]
    delay: float


class Linear(TypedDict):
    """One step more after each failure."""

    kind: Literal["linear"]
    step: float
    cap: float


class Exponential(TypedDict):
    """Twice the wait after each failure."""

    kind: Literal["exponential"]
    base: float
    cap: float


Backoff = Fixed | Linear | Exponential


class Placement(TypedDict, total=False):
    """What a job asks of the worker that runs it."""

    require: Sequence[str]
    prefer: Sequence[str]
    prefer_for: float
    strategy: Literal["least_tasks", "round_robin", "random"]
    avoid_last: bool


class JobOptions(TypedDict, total=False):
    """What may be said of a job besides its kind and arguments."""

    queue: str | None
    priority: int | None
    run_at: datetime | None
    delay: float | timedelta | None
    max_attempts: int | None
    timeout: float | timedelta | None
    tags: Sequence[str] | None
    unique: Unique | None
    tenant: str | None
    backoff: Backoff | None
    after: Sequence[str | int] | None
    after_policy: AfterPolicy | None
    placement: Placement | None


def seconds(time: float | timedelta) -> float:
    """A length of time in seconds."""
    return time.total_seconds() if isinstance(time, timedelta) else time


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job for `Client.enqueue_many`. What is not given is as the API has it."""

    kind: str
    args: Any = None
    """A value that can be written as JSON, a dataclass or a pydantic model; none is `{}`."""
    queue: str | None = None
    priority: int | None = None
    run_at: datetime | None = None
    delay: float | timedelta | None = None
    max_attempts: int | None = None
    timeout: float | timedelta | None = None
    tags: Sequence[str] | None = None
    unique: Unique | None = None
    tenant: str | None = None
    backoff: Backoff | None = None
    after: Sequence[str | int] | None = None
    """Ids of jobs that have to end before; of jobs that come earlier in the same call, their index."""
    after_policy: AfterPolicy | None = None
    placement: Placement | None = None

    def body(self) -> Mapping[str, Any]:
        """The JSON that `POST /jobs` takes."""
        given = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: _written(name, value) for name, value in given if value is not None}


def _written(name: str, value: Any) -> Any:
    if name in ("delay", "timeout"):
        return seconds(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{name} needs a time zone: {value.isoformat()} is another instant in each")
        return value.isoformat()
    return value
