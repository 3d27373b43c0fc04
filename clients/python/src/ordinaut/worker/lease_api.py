"""The routes of the API that a worker calls, one request each. The caller decides whether to repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from ordinaut import retries
from ordinaut.errors import ApiError
from ordinaut.json_text import encode

ANSWER = 10.0
"""Seconds that the API may take to answer what does not wait."""


class LeaseApi:
    """A connection pool. The heartbeat has one of its own, so that no other request can hold it up."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._http = httpx.Client(base_url=url, headers=retries.headers(token), transport=transport, limits=limits)

    def open_session(self, profile: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._post("/sessions", profile)

    def claim(
        self, session: str, claim: int, most: int, wait: float, *, again: bool, suspects: bool
    ) -> list[Mapping[str, Any]]:
        """`again`: the number was sent before, so that its jobs may be leased already."""
        body = {"session": session, "claim": claim, "max": most, "wait_seconds": wait}
        body |= {"again": True} if again else {}
        body |= {} if suspects else {"suspects": False}
        leases: list[Mapping[str, Any]] = self._post("/leases", body, httpx.Timeout(ANSWER, read=ANSWER + wait))[
            "leases"
        ]
        return leases

    def heartbeat(self, session: str, running: list[str], answered: int, timeout: float) -> Mapping[str, Any]:
        return self._post(
            f"/sessions/{_segment(session)}/heartbeat", {"running": running, "answered": answered}, timeout
        )

    def close_session(self, session: str, timeout: float) -> None:
        self._answer(self._http.delete(f"/sessions/{_segment(session)}", timeout=timeout))

    def settle(self, ends: Iterable[bytes]) -> list[Mapping[str, Any]]:
        body = b'{"ends":[' + b",".join(ends) + b"]}"
        answers: list[Mapping[str, Any]] = self._send("/leases/settle", body, ANSWER)["answers"]
        return answers

    def checkpoint(self, token: str, data: Any) -> None:
        self._post("/leases/checkpoint", {"token": token, "data": data})

    def report(self, path: str, reports: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """What running jobs say, each answered by itself."""
        answers: list[Mapping[str, Any]] = self._post(path, {"reports": list(reports)})["answers"]
        return answers

    def parameters(self, token: str) -> tuple[int, Any]:
        """The newest parameters of a job, and which of the job's they are; 0: it was given none."""
        answer = self._post("/leases/parameters", {"token": token})
        return int(answer["n"]), answer["value"]

    def steps(self, token: str) -> dict[str, Any]:
        steps = self._post("/leases/steps/list", {"token": token})["steps"]
        return {step["name"]: step["result"] for step in steps}

    def record(self, token: str, name: str, result: Any, ran_seconds: float) -> Mapping[str, Any]:
        body = {"token": token, "name": name, "result": result, "ran_seconds": round(ran_seconds, 6)}
        return self._post("/leases/steps", body)

    def enqueue(self, token: str, name: str, job: Mapping[str, Any]) -> str:
        return str(self._post("/leases/enqueue", {"token": token, "name": name, "job": job})["id"])

    def wait(self, token: str, name: str, wait: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._post("/leases/waits", {"token": token, "name": name, **wait})

    def close(self) -> None:
        self._http.close()

    def _post(self, path: str, body: Mapping[str, Any], timeout: float | httpx.Timeout = ANSWER) -> dict[str, Any]:
        return self._send(path, encode(body), timeout)

    def _send(self, path: str, body: bytes, timeout: float | httpx.Timeout) -> dict[str, Any]:
        headers = {"content-type": "application/json"}
        return self._answer(self._http.post(path, content=body, headers=headers, timeout=timeout))

    @staticmethod
    def _answer(response: httpx.Response) -> dict[str, Any]:
        if not response.is_success:
            raise ApiError.of(response)
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer


def is_session_dead(error: ApiError) -> bool:
    """Of a request about a session: whether it is over, so that its jobs run elsewhere."""
    return error.reason == "session_dead" or error.status in (404, 409)


def _segment(text: str) -> str:
    return quote(text, safe="")
