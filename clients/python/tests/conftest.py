"""A worker against the API in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_api import FakeApi

from ordinaut import Worker


class Running:
    """Workers that run in threads, until the test ends."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.workers: list[tuple[Worker, threading.Thread]] = []

    def worker(self, **options: Any) -> Worker:
        return Worker("http://api", "token", transport=self.api.transport, **options)

    def start(self, worker: Worker) -> None:
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        self.workers.append((worker, thread))
        self.api.until(lambda: worker._engine is not None)

    def handle(self, kind: str, function: Callable[[Any, Any], Any], **options: Any) -> Worker:
        worker = self.worker(**options)
        worker.handler(kind)(function)
        self.start(worker)
        return worker

    def stop(self, grace: bool = True) -> None:
        for worker, _ in self.workers:
            worker.stop()
            if not grace:
                worker.stop()
        for _, thread in self.workers:
            thread.join(20)
            assert not thread.is_alive(), "the worker did not end"
        self.workers.clear()


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def running(api: FakeApi) -> Iterator[Running]:
    running = Running(api)
    yield running
    api.refuse.clear()
    running.stop(grace=False)
