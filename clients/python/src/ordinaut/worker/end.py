"""How an attempt ends: what a handler returned or raised, as the API is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from ordinaut.json_text import as_text, encode
from ordinaut.new_job import seconds
from ordinaut.worker.stop import Stopped, StopReason

EndOutcome = Literal["succeeded", "failed", "dead", "snoozed", "cancelled", "released", "waiting", "unavailable"]

LONGEST_ERROR = 8000
"""Characters of an error that are sent; the API keeps 16 KiB."""

LARGEST_OUTPUT = 64 * 1024
"""Bytes of JSON that a run keeps."""


LONGEST_WAIT = 100 * 365 * 86_400.0
"""Seconds: as far ahead as work may be due."""


def _wait(time: float | timedelta) -> float:
    after = seconds(time)
    # Here, where the handler sees it; the API could only refuse the end of the attempt.
    if not 0 <= after <= LONGEST_WAIT:
        raise ValueError(f"after must be from 0 to a hundred years in seconds, and is {after}")
    return after


class Retry(Exception):
    """Try again: after the backoff, or `after` this time. It counts as a failure, as any other exception does."""

    def __init__(
        self, reason: str = "the handler asked for another attempt", *, after: float | timedelta | None = None
    ):
        self.after = None if after is None else _wait(after)
        super().__init__(reason)


class Snooze(Exception):
    """Run again in this time, without counting the attempt as a failure."""

    def __init__(self, after: float | timedelta) -> None:
        self.after = _wait(after)
        super().__init__(f"the handler asked to run again in {self.after} s")


class Unavailable(Exception):
    """What the handler calls is down: the job waits until that target takes calls, and no attempt is spent."""

    def __init__(self, target: str, reason: str = "it is not well", *, host: str | None = None) -> None:
        self.target, self.host = target, host
        super().__init__(reason)


class Cancel(Exception):
    """End the job as cancelled."""

    def __init__(self, reason: str = "the handler cancelled the job") -> None:
        super().__init__(reason)


class Fatal(Exception):
    """Bury the job: it becomes a dead letter, whatever attempts it had left."""


class Suspended(BaseException):
    """A wait of a durable handler ends the attempt. Not an `Exception`, so that a handler that catches those does not
    go on as if the wait were over."""

    def __init__(self, after: float) -> None:
        self.after = after
        super().__init__("the handler waits, and goes on in a later attempt")


@dataclass(frozen=True)
class End:
    """What becomes of an attempt."""

    outcome: EndOutcome
    error: str | None = None
    after_seconds: float | None = None
    output: bytes | None = None
    """JSON."""
    target: str | None = None
    host: str | None = None

    def written(self, token: str, ran_seconds: float) -> bytes:
        """As `POST /leases/settle` takes it."""
        members: dict[str, Any] = {"token": token, "outcome": self.outcome, "ran_seconds": round(ran_seconds, 6)}
        if self.error is not None:
            members["error"] = as_text(self.error)[:LONGEST_ERROR]
        if self.after_seconds is not None:
            members["after_seconds"] = self.after_seconds
        if self.target is not None:
            members["target"] = self.target
        if self.host is not None:
            members["host"] = self.host
        text = encode(members)
        # It was written when the handler ended; what cannot be written must not hold up the ends of others.
        return text if self.output is None else text[:-1] + b',"output":' + self.output + b"}"


def returned(value: Any) -> End:
    """The end of a handler that returned."""
    if value is None:
        return End("succeeded")
    try:
        output = encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        return End("dead", error=f"the output cannot be written as JSON: {error}")
    if len(output) > LARGEST_OUTPUT:
        return End("dead", error=f"output is {len(output)} bytes long, and a run keeps {LARGEST_OUTPUT} at most")
    return End("succeeded", output=output)


def raised(error: BaseException) -> End:
    """The end of a handler that raised."""
    match error:
        case Suspended():
            return End("waiting", after_seconds=error.after)
        case Snooze():
            return End("snoozed", after_seconds=error.after)
        case Unavailable():
            return End("unavailable", error=chain(error), target=error.target, host=error.host)
        case Cancel():
            return End("cancelled", error=str(error))
        case Fatal():
            return End("dead", error=chain(error))
        case Retry():
            return End("failed", error=chain(error), after_seconds=error.after)
        case _:
            return End("failed", error=chain(error))


def stopped(reason: StopReason, limit: float) -> End | None:
    """The end of an attempt that was stopped; `None`: nothing may be written."""
    match reason:
        case StopReason.CANCELLED:
            return End("cancelled", error="cancelled")
        case StopReason.TIMED_OUT:
            return End("failed", error=f"timed out after {limit:g} s")
        case StopReason.SHUTDOWN:
            return End("released")
        case _:
            return None


def chain(error: BaseException) -> str:
    """An error with what it was raised from: the outermost says what failed, the innermost why."""
    parts: list[str] = []
    found: BaseException | None = error
    while found is not None and len(parts) < 10:
        text = str(found)
        own = isinstance(found, (Retry, Fatal, Unavailable, Stopped))
        parts.append(text if own and text else f"{type(found).__name__}: {text}" if text else type(found).__name__)
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return ": ".join(parts)
