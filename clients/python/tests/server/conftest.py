"""The real API, and workers as processes: in Python, and in TypeScript where it was built."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ordinaut import Client

LEASE = 5.0
"""Seconds: the shortest that the API gives."""

PROGRAMS = {
    "python": [sys.executable, str(Path(__file__).with_name("worker_program.py"))],
    "typescript": ["node", os.environ.get("JOBS_NODE_WORKER", "")],
}


def setting(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        pytest.skip(f"{name} is not set: ops/test-clients.sh starts an API")
    return value


class WorkerProcess:
    """A worker program, and what it told."""

    def __init__(self, language: str, **environment: str) -> None:
        self.told: list[dict[str, Any]] = []
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        environ = {**os.environ, **environment}
        self.process = subprocess.Popen(PROGRAMS[language], env=environ, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def next(self, key: str, seconds: float = 30.0) -> dict[str, Any]:
        """The next thing that it tells of this kind."""
        ends = time.monotonic() + seconds
        while True:
            told = self._lines.get(timeout=max(0.0, ends - time.monotonic()))
            self.told.append(told)
            if key in told:
                return told

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        for number in (signal.SIGCONT, signal.SIGKILL):
            if self.process.poll() is None:
                self.signal(number)
        self.process.wait()


class Lab:
    """A queue that no other test uses, and programs that serve it."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.url, self.token = setting("JOBS_URL"), setting("JOBS_TOKEN")
        self.queue = f"clients-{uuid.uuid4()}"
        self.client = Client(self.url, self.token)
        self.http = httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {self.token}"}, timeout=30)
        self._processes: list[WorkerProcess] = []

    def worker(self, name: str, url: str | None = None) -> WorkerProcess:
        if self.language == "typescript" and not PROGRAMS["typescript"][1]:
            pytest.skip("JOBS_NODE_WORKER is not set")
        environment = {"JOBS_URL": url or self.url, "QUEUE": self.queue, "NAME": name, "LEASE": str(LEASE)}
        process = WorkerProcess(self.language, **environment)
        self._processes.append(process)
        return process

    def enqueue(self, kind: str, args: Any, **options: Any) -> str:
        return self.client.enqueue(kind, args, queue=self.queue, **options).id

    def settle(self, token: str) -> dict[str, Any]:
        """Says that an attempt succeeded, whoever asks."""
        answer = self.http.post("/leases/settle", json={"ends": [{"token": token, "outcome": "succeeded"}]})
        settled: dict[str, Any] = answer.raise_for_status().json()["answers"][0]
        return settled

    def outcomes(self, job_id: str) -> list[str]:
        return [run["outcome"] for run in self.client.job(job_id)["runs"]]

    def close(self) -> None:
        for process in self._processes:
            process.end()
        self.client.close()
        self.http.close()


@pytest.fixture(params=["python", "typescript"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    lab = Lab(request.param)
    yield lab
    lab.close()


def eventually(fact: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Waits for a fact, and returns it."""
    ends = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < ends, "it did not come true"
        time.sleep(0.05)
    return found
