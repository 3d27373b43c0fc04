"""Requests of a worker that are repeated until they are answered."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import TypeVar

import httpx

from ordinaut.backoff import REPEATED, delay
from ordinaut.errors import ApiError

T = TypeVar("T")
log = logging.getLogger("ordinaut.worker")


class GivenUp(Exception):
    """There is nothing left to repeat it for."""


def until_answered(what: str, send: Callable[[], T], pause: Callable[[float], bool]) -> T:
    """Sends until an answer comes that counts. `pause` waits for this number of seconds, and says whether to go on;
    what the API refuses for good is raised."""
    failures = 0
    while True:
        try:
            return send()
        except httpx.TransportError as error:
            reason = repr(error)
        except ApiError as error:
            # A bug of the API may be gone with its next version; the lease says for how long to hope.
            if error.status not in REPEATED and error.status < 500:
                raise
            reason = str(error)
        failures += 1
        # Once loudly: an API that restarts is no news.
        log.log(logging.WARNING if failures == 3 else logging.DEBUG, "could not %s, trying again: %s", what, reason)
        if not pause(delay(failures, random.random())):
            raise GivenUp(f"could not {what}: {reason}")
