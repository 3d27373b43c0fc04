"""The order to stop an attempt before its handler has ended by itself."""

from __future__ import annotations

from enum import IntEnum

CANCEL_GRACE = 5.0
"""Seconds that the handler of a cancelled job has to clean up."""


class StopReason(IntEnum):
    """Why a handler must stop now. A later one outweighs an earlier one."""

    CANCELLED = 1
    """The job was cancelled: the handler has five seconds to clean up, and what it returns counts."""
    TIMED_OUT = 2
    """The job's time limit is over: the attempt fails, whatever the handler returns."""
    SHUTDOWN = 3
    """The worker stops and its grace is over: the job is given back, whatever the handler returns."""
    LEASE_LOST = 4
    """Another attempt may own the job by now: nothing that the handler returns is written."""

    def __str__(self) -> str:
        return self.name.lower()

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class Stopped(BaseException):
    """Raised in a handler by what it asks of its context once nothing that it returns counts any more. Not an
    `Exception`, so that a handler that catches those does not go on."""

    def __init__(self, reason: StopReason) -> None:
        self.reason = reason
        super().__init__(f"the attempt must stop: {reason}")
