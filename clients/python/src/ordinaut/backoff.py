"""When to send a request again."""

from __future__ import annotations

BASE = 0.1
CAP = 5.0

REPEATED = frozenset({408, 429, 502, 503, 504})
"""Statuses after which the same request may succeed. Each POST has a key under which it is done once, so that
504 and a proxy's 502, which leave open what was done, are safe to repeat too."""


def delay(failures: int, chance: float) -> float:
    """Seconds to wait after this number of failures in a row. `chance`, from 0 to 1, spreads clients."""
    return min(CAP, BASE * 2.0 ** min(failures - 1, 16)) * (0.5 + chance / 2)


def retry_after(header: str | None) -> float | None:
    """The seconds of a `Retry-After` header; the API sends no dates."""
    if header is None or not header.strip().isdigit():
        return None
    return float(header)


def again_in(failures: int, chance: float, asked: float | None, left: float) -> float | None:
    """Seconds until the next try, or `None` if it would come after the `left` seconds of patience."""
    wait = delay(failures, chance) if asked is None else asked
    return wait if wait <= left else None
