"""The tries of one request: whether there is another one, and when."""

from __future__ import annotations

import random
import time
from typing import Any, TypeVar

import httpx

from ordinaut.backoff import REPEATED, again_in, retry_after
from ordinaut.calls import Call
from ordinaut.errors import ApiError, Unreachable

T = TypeVar("T")


class Tries:
    """What one request has met so far. It is given up when `patience` seconds have passed."""

    def __init__(self, call: Call[Any], patience: float) -> None:
        self.call = call
        self.ends = time.monotonic() + patience
        self.failures = 0

    def after_answer(self, response: httpx.Response) -> float | None:
        """Seconds until the next try; `None`: the answer counts. Raises what the API refused for good."""
        if response.is_success:
            return None
        error = ApiError.of(response)
        if response.status_code not in REPEATED:
            raise error
        wait = self._wait(retry_after(response.headers.get("retry-after")))
        if wait is None:
            raise error
        return wait

    def after_silence(self, error: httpx.TransportError) -> float:
        """Seconds until the next try after a connection that failed."""
        hopeless = isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError))
        wait = self._wait(None)
        if wait is None or hopeless:
            what = f"{self.call.method} {self.call.path}"
            raise Unreachable(f"{what}: no answer in {self.failures} tries: {error!r}") from error
        return wait

    def _wait(self, asked: float | None) -> float | None:
        self.failures += 1
        return again_in(self.failures, random.random(), asked, self.ends - time.monotonic())


def read(call: Call[T], response: httpx.Response) -> T:
    """The answer of a request that succeeded."""
    return call.read(response.status_code, response.json() if response.content else None)


def timeout(call: Call[Any], seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, read=seconds + call.waits)


def headers(token: str) -> dict[str, str]:
    """What every request says of its sender."""
    return {"authorization": f"Bearer {token}", "accept": "application/json"}
