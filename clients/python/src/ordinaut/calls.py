"""Each request of a producer: what is sent, and how its answer is read. Both clients send these."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from ordinaut.answers import Enqueued, Job, JobFilter, JobSummary, Published, Result
from ordinaut.json_text import encode
from ordinaut.new_job import NewJob

T = TypeVar("T")

LONGEST_WAIT = 30.0
"""Seconds that one request for a result waits: less than proxies do for an answer."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request. A POST has a key, so that the API carries it out once, however often it is sent."""

    method: str
    path: str
    read: Callable[[int, Any], T]
    body: bytes | None = None
    params: Mapping[str, str] | None = None
    key: str | None = None
    waits: float = 0.0
    """Seconds that the API may take before it answers, besides those that any request may take."""

    def headers(self) -> dict[str, str]:
        headers = {} if self.body is None else {"content-type": "application/json"}
        if self.key is not None:
            headers["idempotency-key"] = self.key
        return headers


@dataclass(frozen=True)
class Page:
    """A page of jobs, and the parameter that asks for the next one."""

    jobs: list[JobSummary]
    next: dict[str, str] | None


def _post(path: str, read: Callable[[int, Any], T], body: Any, key: str | None) -> Call[T]:
    if key is None:
        key = str(uuid.uuid4())
    elif not (key.isascii() and 1 <= len(key) <= 200 and all("!" <= one <= "~" for one in key)):
        raise ValueError("idempotency_key must be 1 to 200 visible ASCII characters")
    return Call("POST", path, read, body=encode(body), key=key)


def _segment(text: str) -> str:
    return quote(text, safe="")


def _enqueued(document: Any) -> Enqueued:
    return Enqueued(document["id"], document.get("duplicate", False))


def enqueue(job: NewJob, key: str | None) -> Call[Enqueued]:
    return _post("/jobs", lambda _, answer: _enqueued(answer), job.body(), key)


def enqueue_many(jobs: Iterable[NewJob], key: str | None) -> Call[list[Enqueued]]:
    bodies = [job.body() for job in jobs]
    return _post("/jobs", lambda _, answer: [_enqueued(job) for job in answer["jobs"]], bodies, key)


def job(job_id: str) -> Call[Job]:
    return Call("GET", f"/jobs/{_segment(job_id)}", lambda _, answer: answer)


def jobs(filters: JobFilter, args: Mapping[str, Any] | None, page: Mapping[str, str]) -> Call[Page]:
    params = {name: str(value) for name, value in filters.items()}
    params |= {f"args.{path}": encode(value).decode() for path, value in (args or {}).items()}
    # The other parameter would turn back.
    cursor = "after" if filters.get("sort") == "created_at" else "before"

    def read(_: int, answer: Any) -> Page:
        following = answer["next"]
        return Page(answer["jobs"], None if following is None else {cursor: following})

    return Call("GET", "/jobs", read, params={**params, **page})


def cancel(job_id: str, key: str | None) -> Call[str]:
    return _post(f"/jobs/{_segment(job_id)}/cancel", lambda _, answer: str(answer["cancelled"]), {}, key)


def requeue(job_id: str, key: str | None) -> Call[str]:
    return _post(f"/dead/{_segment(job_id)}/requeue", lambda _, answer: str(answer["id"]), {}, key)


def publish(topic: str, payload: Any, event_key: str | None, event_id: str | None, key: str | None) -> Call[Published]:
    body = {"id": event_id or str(uuid.uuid4()), "payload": payload}
    if event_key is not None:
        body["key"] = event_key
    return _post(f"/topics/{_segment(topic)}", lambda _, answer: answer, body, key)


def result(job_id: str, wait: float) -> Call[Result | None]:
    def read(status: int, answer: Any) -> Result | None:
        if status == 202:
            return None
        return Result(answer["outcome"], answer["attempt"], answer["error"], answer["output"])

    wait = max(0.0, min(wait, LONGEST_WAIT))
    return Call("GET", f"/jobs/{_segment(job_id)}/result", read, params={"wait": f"{wait:.3f}"}, waits=wait)
