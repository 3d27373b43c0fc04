"""Threads that run handlers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """A pool of daemon threads, started as they are needed. `concurrent.futures` waits for its threads when the
    program ends; a handler that never returns must not keep a worker from ending."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._open = 0

    def submit(self, work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            finally:
                with self._lock:
                    self._open -= 1

        with self._lock:
            self._open += 1
            is_needed = self._open > self._started and self._started < self._most
            if is_needed:
                self._started += 1
        if is_needed:
            threading.Thread(target=self._serve, name=f"{self._name}-{self._started}", daemon=True).start()
        self._work.put(run)
        return future

    def _serve(self) -> Any:
        while True:
            self._work.get()()
