"""A job that the worker may run, as `POST /leases` gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Lease:
    """The right to run a job, and the job."""

    token: str
    """Proves the right: every write about the job carries it."""
    job_id: str
    attempt: int
    kind: str
    queue: str = "default"
    priority: int = 5
    args: Any = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    tenant: str | None = None
    created_at: str | None = None
    run_at: str | None = None
    scheduled_for: str | None = None
    failures: int = 0
    max_attempts: int | None = None
    timeout_seconds: float | None = None
    checkpoint: Any = None
    traceparent: str | None = None
    request_id: str | None = None
    suspect: bool = False

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Lease:
        """Fields that a newer API adds are left out."""
        return cls(**{name: document[name] for name in cls.__dataclass_fields__ if name in document})
