"""Room for attempts."""

from __future__ import annotations

import threading


class Slots:
    """Each attempt holds one until its handler has ended, also if the attempt ended before: a thread cannot be
    stopped, and its memory and connections are still in use."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._taken = 0
        self._changed = threading.Condition()

    def take(self, number: int) -> None:
        with self._changed:
            self._taken += number

    def give_back(self) -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()

    def free(self) -> int:
        with self._changed:
            return self.number - self._taken

    def wait_free(self, seconds: float) -> int:
        """The number of free slots; 0: none became free in this time."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken < self.number, seconds)
            return max(0, self.number - self._taken)

    def wait_empty(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._taken <= 0, seconds)
