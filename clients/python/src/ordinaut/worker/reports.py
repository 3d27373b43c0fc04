"""What an attempt says of itself and is not written yet."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any, Literal

from ordinaut.json_text import as_text
from ordinaut.worker.clock import now

LogLevel = Literal["trace", "debug", "info", "warn", "error"]

LEVELS: tuple[LogLevel, ...] = ("trace", "debug", "info", "warn", "error")

LogName = Literal["warning", "critical", "fatal"]
"""What `logging` calls levels."""

NAMES: dict[str, LogLevel] = {"warning": "warn", "critical": "error", "fatal": "error"}

LOG_LINES, LOG_BYTES = 1000, 64 * 1024
OUTPUT_CHUNKS, OUTPUT_BYTES = 10_000, 1024 * 1024
"""What the API keeps of an attempt."""

LINE_BYTES = 8 * 1024
CHUNK_BYTES = 16 * 1024
"""Length up to which chunks that come quickly are one."""

NOTE = 500


@dataclass
class Part:
    """A line or a chunk under its number."""

    n: int
    text: str
    level: LogLevel | None
    said_at: float
    is_beyond: bool = False


class Channel:
    """The lines or the chunks of an attempt. What is beyond the bounds is counted by its number alone."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._n = 0
        self._size = 0
        self.untold: list[Part] = []

    def say(self, text: str, level: LogLevel | None, *, gather: bool) -> None:
        is_over = self._n >= self._most or self._size > self._most_bytes
        size = len(text.encode("utf-8", "replace"))
        last = self.untold[-1] if self.untold else None
        if gather and not is_over and last is not None and len(last.text) < CHUNK_BYTES:
            last.text += text
            self._size += size
            return
        self._n += 1
        if is_over and last is not None and last.is_beyond:
            last.n = self._n
            return
        # The first that is too much is sent: by it the API knows.
        self._size += size
        self.untold.append(Part(self._n, text, level, now(), is_over))

    def take(self) -> list[Part]:
        taken, self.untold = self.untold, []
        return taken

    def put_back(self, parts: list[Part]) -> None:
        self.untold = parts + self.untold


@dataclass
class Taken:
    """What is to be written of an attempt."""

    progress: dict[str, Any] | None
    lines: list[Part]
    chunks: list[Part]

    @property
    def is_empty(self) -> bool:
        return self.progress is None and not self.lines and not self.chunks


class Reports:
    """Nothing here waits for the API, and what is kept is bounded."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._lock = threading.Lock()
        self._progress: dict[str, Any] = {"counter": 0}
        self._is_progress_untold = False
        self._log = Channel(LOG_LINES, LOG_BYTES)
        self._output = Channel(OUTPUT_CHUNKS, OUTPUT_BYTES)
        self._is_lost = False

    def progress(self, percent: float, note: str) -> None:
        with self._lock:
            if math.isfinite(percent):
                self._progress["percent"] = min(max(float(percent), 0.0), 100.0)
            self._progress["note"] = as_text(note)[:NOTE]
            self._is_progress_untold = not self._is_lost

    def advance(self, by: int) -> None:
        with self._lock:
            self._progress["counter"] += max(0, by)
            self._is_progress_untold = not self._is_lost

    def watch(self, stalls_after: float, cancel: bool) -> None:
        with self._lock:
            self._progress |= {"stalls_after_seconds": max(1.0, stalls_after), "cancel_stalled": cancel}
            self._is_progress_untold = not self._is_lost

    def log(self, line: str, level: LogLevel | LogName) -> None:
        known = NAMES.get(level, level)
        if known not in LEVELS:
            raise ValueError(f"no level is called {level!r}: {', '.join(LEVELS)}")
        text = as_text(str(line)).encode()[:LINE_BYTES].decode("utf-8", "ignore")
        with self._lock:
            if not self._is_lost:
                self._log.say(text, known, gather=False)

    def stream(self, chunk: str) -> None:
        text = as_text(chunk)
        with self._lock:
            if not self._is_lost:
                # In pieces: of a chunk that is too long the beginning is kept.
                for start in range(0, len(text), CHUNK_BYTES):
                    self._output.say(text[start : start + CHUNK_BYTES], None, gather=True)

    @property
    def is_untold(self) -> bool:
        with self._lock:
            return self._is_progress_untold or bool(self._log.untold or self._output.untold)

    def take(self, *, progress_is_due: bool) -> Taken:
        with self._lock:
            progress = None
            if progress_is_due and self._is_progress_untold:
                progress, self._is_progress_untold = {"token": self.token, **self._progress}, False
            return Taken(progress, self._log.take(), self._output.take())

    def put_back(self, taken: Taken) -> None:
        """It could not be written."""
        with self._lock:
            if self._is_lost:
                return
            self._is_progress_untold = self._is_progress_untold or taken.progress is not None
            self._log.put_back(taken.lines)
            self._output.put_back(taken.chunks)

    def lose(self) -> None:
        """The lease was lost: nothing more is written."""
        with self._lock:
            self._is_lost, self._is_progress_untold = True, False
            self._log.take()
            self._output.take()


def runs(parts: list[Part], most_bytes: int) -> list[list[Part]]:
    """Parts whose numbers follow each other, so that a request says where they begin; each of a bounded length."""
    found: list[list[Part]] = []
    size = 0
    for part in parts:
        length = len(part.text) * 2 + 100
        if not found or found[-1][-1].n + 1 != part.n or len(found[-1]) == 1000 or size + length > most_bytes:
            found.append([])
            size = 0
        found[-1].append(part)
        size += length
    return found
