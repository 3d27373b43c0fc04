"""The routes for workers, in memory: as the API answers, with faults that a test asks for."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class FakeJob:
    """A job, and what has become of it."""

    id: str
    kind: str
    args: Any
    timeout_seconds: float | None = None
    attempt: int = 0
    token: str | None = None
    claim: int = 0
    ends: list[dict[str, Any]] = field(default_factory=list)
    checkpoint: Any = None
    steps: dict[str, Any] = field(default_factory=dict)
    cancel: bool = False
    is_waiting: bool = True
    progress: dict[str, Any] = field(default_factory=dict)
    lines: dict[int, dict[str, Any]] = field(default_factory=dict)
    chunks: dict[int, str] = field(default_factory=dict)
    parameters: tuple[int, Any] = (0, None)

    @property
    def outcomes(self) -> list[str]:
        return [end["outcome"] for end in self.ends]


class FakeApi:
    """Every method holds the lock; `changed` wakes claims and tests."""

    def __init__(self, lease: float = 10.0, heartbeat: float = 0.1) -> None:
        self.lease = lease
        self.heartbeat = heartbeat
        self.changed = threading.Condition()
        self.jobs: dict[str, FakeJob] = {}
        self.sessions: dict[str, bool] = {}
        self.opened: list[dict[str, Any]] = []
        self.requests: list[tuple[str, Any]] = []
        self.lose: Counter[str] = Counter()
        """Number of answers of a route that get lost after the request was carried out."""
        self.refuse: dict[str, tuple[int, dict[str, Any]]] = {}
        """What a route answers until it is taken out."""
        self.answers_to_waits: dict[str, Any] = {}
        self.is_draining = False
        self.suspects: set[str] = set()
        self.transport = httpx.MockTransport(self._handle)

    def add(self, kind: str, args: Any = None, **more: Any) -> FakeJob:
        with self.changed:
            job = FakeJob(f"job-{len(self.jobs) + 1}", kind, {} if args is None else args, **more)
            self.jobs[job.id] = job
            self.changed.notify_all()
        return job

    def until(self, fact: Callable[[], Any], seconds: float = 20.0) -> None:
        """Waits for a fact about what this holds, or about anything else that a thread changes."""
        ends = time.monotonic() + seconds
        while not fact():
            assert time.monotonic() < ends, "it did not come true"
            with self.changed:
                self.changed.wait(0.01)

    def count(self, route: str) -> int:
        return sum(path == route for path, _ in list(self.requests))

    def kill_sessions(self) -> None:
        """As the scheduler does when their leases are over: their jobs wait again."""
        with self.changed:
            for session in self.sessions:
                self._end(session)

    def _end(self, session: str) -> None:
        self.sessions[session] = False
        for job in self.jobs.values():
            if job.token is not None and job.token.endswith(f":{session}"):
                job.token, job.is_waiting = None, True
        self.changed.notify_all()

    def _handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        path = request.url.path
        parts = path.strip("/").split("/")
        route = "/sessions/heartbeat" if parts[-1] == "heartbeat" else path
        with self.changed:
            self.requests.append((route, body))
            if route in self.refuse:
                status, document = self.refuse[route]
                return httpx.Response(status, json={"status": status, "title": "refused", **document})
            if request.method == "DELETE":
                self._end(parts[1])
                return httpx.Response(204)
            if len(parts) > 1 and parts[0] == "sessions":
                answer = self._beat(parts[1], body)
            else:
                answer = getattr(self, "_" + "_".join(parts))(body)
            self.changed.notify_all()
            if self.lose[route] > 0:
                self.lose[route] -= 1
                raise httpx.ReadError("the answer was lost")
        if "problem" in answer:
            return httpx.Response(answer["problem"], json={"status": answer["problem"], "reason": answer["reason"]})
        return httpx.Response(200, json=answer)

    def _sessions(self, body: Any) -> dict[str, Any]:
        session = str(len(self.sessions) + 1)
        self.sessions[session] = True
        self.opened.append(body)
        return {"session": session, "lease_seconds": self.lease, "heartbeat_seconds": self.heartbeat}

    def _beat(self, session: str, body: Any) -> dict[str, Any]:
        if not self.sessions.get(session):
            return {"problem": 409, "reason": "session_dead"}
        held = [job for job in self.jobs.values() if job.token and job.token.endswith(f":{session}")]
        for job in held:
            if job.claim <= body["answered"] and job.token not in body["running"]:
                job.token, job.is_waiting = None, True
        cancel = [{"job_id": job.id, "attempt": job.attempt} for job in held if job.cancel]
        given = [
            {"job_id": job.id, "attempt": job.attempt, "n": job.parameters[0], "value": job.parameters[1]}
            for job in held
            if job.parameters[0]
        ]
        tokens = {job.token for job in held}
        lost = [token.split(":") for token in body["running"] if token not in tokens]
        return {
            "lease_seconds": self.lease,
            "cancel": cancel,
            "lost": [{"job_id": job_id, "attempt": int(attempt)} for job_id, attempt, _ in lost],
            "parameters": given,
            "drain": self.is_draining,
        }

    def _leases(self, body: Any) -> dict[str, Any]:
        session, claim = body["session"], body["claim"]
        ends = time.monotonic() + min(body["wait_seconds"], 1.0)
        while True:
            if not self.sessions.get(session):
                return {"problem": 409, "reason": "session_dead"}
            found = [j for j in self.jobs.values() if j.token and j.token.endswith(f":{session}") and j.claim == claim]
            if not found:
                found = [job for job in self.jobs.values() if job.is_waiting][: body["max"]]
                for job in found:
                    job.attempt += 1
                    job.claim, job.is_waiting = claim, False
                    job.token = f"{job.id}:{job.attempt}:{session}"
            if found or time.monotonic() >= ends:
                return {"leases": [self._lease(job) for job in found]}
            self.changed.wait(ends - time.monotonic())

    def _lease(self, job: FakeJob) -> dict[str, Any]:
        lease = {"token": job.token, "job_id": job.id, "attempt": job.attempt, "kind": job.kind, "queue": "default"}
        more = {"timeout_seconds": job.timeout_seconds, "checkpoint": job.checkpoint, "args": job.args}
        return {**lease, **more, "suspect": job.id in self.suspects, "added_later": True}

    def _held(self, token: str) -> FakeJob | None:
        return next((job for job in self.jobs.values() if job.token == token), None)

    def _leases_settle(self, body: Any) -> dict[str, Any]:
        answers = []
        for end in body["ends"]:
            job_id, attempt, _ = end["token"].split(":")
            answer = {"job_id": job_id, "attempt": int(attempt)}
            job = self._held(end["token"])
            if job is None:
                answers.append({**answer, "status": "lease_lost"})
            elif end.get("output") == "refused":
                answers.append({**answer, "status": "refused", "reason": "the output is refused"})
            else:
                job.ends.append(end)
                job.token = None
                job.is_waiting = end["outcome"] in ("released", "failed") and len(job.ends) < 2
                answers.append({**answer, "status": "settled", "outcome": end["outcome"]})
        return {"answers": answers}

    def _leases_checkpoint(self, body: Any) -> dict[str, Any]:
        job = self._held(body["token"])
        if job is None:
            return {"problem": 409, "reason": "lease_lost"}
        job.checkpoint = body["data"]
        return {}

    def give(self, job: FakeJob, value: Any) -> None:
        with self.changed:
            job.parameters = (job.parameters[0] + 1, value)

    def _leases_parameters(self, body: Any) -> dict[str, Any]:
        job = self._held(body["token"])
        if job is None:
            return {"problem": 409, "reason": "lease_lost"}
        return {"n": job.parameters[0], "value": job.parameters[1]}

    def _report(self, body: Any, write: Callable[[FakeJob, Any], None]) -> dict[str, Any]:
        answers = []
        for report in body["reports"]:
            job = self._held(report["token"])
            if job is not None:
                write(job, report)
            job_id, attempt, _ = report["token"].split(":")
            status = "lease_lost" if job is None else "written"
            answers.append({"job_id": job_id, "attempt": int(attempt), "status": status})
        return {"answers": answers}

    def _leases_progress(self, body: Any) -> dict[str, Any]:
        return self._report(body, lambda job, report: job.progress.update(report))

    def _leases_log(self, body: Any) -> dict[str, Any]:
        def write(job: FakeJob, report: Any) -> None:
            for n, line in enumerate(report["lines"], report["first"]):
                job.lines.setdefault(n, line)

        return self._report(body, write)

    def _leases_output(self, body: Any) -> dict[str, Any]:
        def write(job: FakeJob, report: Any) -> None:
            for n, chunk in enumerate(report["chunks"], report["first"]):
                job.chunks.setdefault(n, chunk)

        return self._report(body, write)

    def _leases_steps_list(self, body: Any) -> dict[str, Any]:
        job = self._held(body["token"])
        assert job is not None
        return {"steps": [{"name": name, "kind": "step", "result": result} for name, result in job.steps.items()]}

    def _leases_steps(self, body: Any) -> dict[str, Any]:
        job = self._held(body["token"])
        if job is None:
            return {"problem": 409, "reason": "lease_lost"}
        if body["name"] in job.steps:
            return {"recorded": False, "result": job.steps[body["name"]]}
        job.steps[body["name"]] = body["result"]
        return {"recorded": True}

    def _leases_enqueue(self, body: Any) -> dict[str, Any]:
        job = self._held(body["token"])
        if job is None:
            return {"problem": 409, "reason": "lease_lost"}
        job.steps.setdefault(body["name"], f"child-{len(job.steps)}")
        return {"id": job.steps[body["name"]]}

    def _leases_waits(self, body: Any) -> dict[str, Any]:
        job = self._held(body["token"])
        if job is None:
            return {"problem": 409, "reason": "lease_lost"}
        if body["name"] in self.answers_to_waits:
            job.steps[body["name"]] = self.answers_to_waits[body["name"]]
            return {"over": True, "result": job.steps[body["name"]]}
        return {"over": False, "seconds": 12.5}
