"""The worker's own clock."""

from __future__ import annotations

import time

_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def now() -> float:
    """Seconds that pass while the machine sleeps too, where the system can tell: leases run out then as well."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
