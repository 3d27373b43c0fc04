"""What a job has recorded, as one attempt knows it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ordinaut.worker.end import Fatal
from ordinaut.worker.step_name import fault, numbered


@dataclass(frozen=True)
class Recorded:
    """The result of a step; a class of its own because the result may be null."""

    result: Any


class Book:
    """Results by name, and how often the handler has asked for each name."""

    def __init__(self) -> None:
        # A handler may run steps in threads of its own.
        self._lock = threading.Lock()
        self._results: dict[str, Any] = {}
        self._asked: dict[str, int] = {}

    def name(self, name: str) -> str:
        """The name of the step that the handler asks for next by this name: `#2`, `#3` … when it comes again."""
        if reason := fault(name):
            raise Fatal(f"step {name!r}: name {reason}")
        with self._lock:
            nth = self._asked[name] = self._asked.get(name, 0) + 1
        return numbered(name, nth)

    def add(self, results: Mapping[str, Any]) -> None:
        with self._lock:
            self._results.update(results)

    def find(self, step: str) -> Recorded | None:
        with self._lock:
            return Recorded(self._results[step]) if step in self._results else None
