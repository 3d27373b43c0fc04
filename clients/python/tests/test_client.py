"""What a producer sends, and how often."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from ordinaut import ApiError, AsyncClient, Client, NewJob, Result, ResultTimeout, Unreachable

Answer = httpx.Response | Exception


class Scripted:
    """Answers in their order, and keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    def keys(self) -> set[str]:
        return {request.headers["idempotency-key"] for request in self.requests}


def client(script: Scripted, **options: Any) -> Client:
    return Client("http://api/api/v1", "secret", transport=httpx.MockTransport(script), **options)


def made() -> httpx.Response:
    return httpx.Response(201, json={"id": "j-1"})


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadError("the answer was lost"),
        httpx.ConnectTimeout("nobody is there"),
        httpx.Response(503, json={"status": 503}),
        httpx.Response(429, json={"status": 429}, headers={"retry-after": "0"}),
        httpx.Response(502, text="<html>a proxy</html>"),
    ],
)
def test_what_may_be_repeated_is_repeated_under_the_same_key(fault: Answer) -> None:
    script = Scripted(fault, made())
    with client(script) as producer:
        enqueued = producer.enqueue("mail", {"to": "ann"}, queue="q", delay=timedelta(seconds=90))
    assert (enqueued.id, enqueued.duplicate) == ("j-1", False)
    first, second = script.requests
    assert first.content == second.content and len(script.keys()) == 1
    assert script.bodies()[0] == {"kind": "mail", "args": {"to": "ann"}, "queue": "q", "delay": 90.0}
    assert first.headers["authorization"] == "Bearer secret"
    assert first.url.path == "/api/v1/jobs"


def test_two_calls_have_two_keys_and_a_given_one_is_sent() -> None:
    script = Scripted(made(), made(), made())
    with client(script) as producer:
        producer.enqueue("mail")
        producer.enqueue("mail")
        producer.enqueue("mail", idempotency_key="order-7")
        with pytest.raises(ValueError, match="idempotency_key must be"):
            producer.enqueue("mail", idempotency_key="schlüssel")
    keys = script.keys()
    assert len(keys) == 3 and "order-7" in keys


def test_a_refusal_is_raised_with_its_field_and_not_repeated() -> None:
    problem = {"type": "about:blank", "title": "Unprocessable Entity", "status": 422, "field": "priority"}
    script = Scripted(httpx.Response(422, json={**problem, "detail": "priority must be from 1 to 9"}))
    with client(script) as producer, pytest.raises(ApiError) as refused:
        producer.enqueue("mail", priority=10)
    error = refused.value
    assert (error.status, error.type, error.title, error.field) == (422, *list(problem.values())[:2], "priority")
    assert str(error) == "422 Unprocessable Entity (priority): priority must be from 1 to 9"


def test_patience_ends() -> None:
    script = Scripted(*[httpx.ReadError("gone")] * 20)
    with client(script, patience=0.3) as producer, pytest.raises(Unreachable, match="POST /jobs: no answer in"):
        producer.enqueue("mail")
    later = httpx.Response(429, json={"status": 429}, headers={"retry-after": "60"})
    with client(Scripted(later), patience=5) as producer, pytest.raises(ApiError, match="429"):
        producer.enqueue("mail")


def test_arguments_may_be_a_dataclass_and_a_time_needs_a_zone() -> None:
    @dataclass
    class Line:
        sum: int

    @dataclass
    class Bill:
        lines: list[Line]

    script = Scripted(made(), httpx.Response(201, json={"jobs": [{"id": "a"}, {"id": "b", "duplicate": True}]}))
    at = datetime(2027, 1, 1, tzinfo=timezone.utc)
    with client(script) as producer:
        producer.enqueue("bill", Bill([Line(3)]), run_at=at)
        many = producer.enqueue_many([NewJob(kind="a"), NewJob(kind="b", after=[0])])
        with pytest.raises(ValueError, match="run_at needs a time zone"):
            producer.enqueue("bill", run_at=datetime(2027, 1, 1))
        with pytest.raises(ValueError):
            producer.enqueue("bill", float("nan"))
    assert script.bodies()[0] == {
        "kind": "bill",
        "args": {"lines": [{"sum": 3}]},
        "run_at": "2027-01-01T00:00:00+00:00",
    }
    assert script.bodies()[1] == [{"kind": "a"}, {"kind": "b", "after": [0]}]
    assert [job.duplicate for job in many] == [False, True]


def pages() -> Scripted:
    page = [httpx.Response(200, json={"jobs": [{"id": "2"}], "next": "2"})]
    return Scripted(
        *page,
        httpx.Response(200, json={"jobs": [], "next": "1"}),
        httpx.Response(200, json={"jobs": [{"id": "1"}], "next": None}),
    )


def test_jobs_goes_from_page_to_page_also_over_an_empty_one() -> None:
    script = pages()
    with client(script) as producer:
        found = [job["id"] for job in producer.jobs(state="dead", limit=1, args={"customer.id": 7})]
    assert found == ["2", "1"]
    params = [dict(request.url.params) for request in script.requests]
    asked = {"state": "dead", "limit": "1", "args.customer.id": "7"}
    assert params == [asked, {**asked, "before": "2"}, {**asked, "before": "1"}]
    script = pages()
    with client(script) as producer:
        list(producer.jobs(sort="created_at"))
    assert [request.url.params.get("after") for request in script.requests] == [None, "2", "1"]


def test_a_result_is_waited_for() -> None:
    ended = httpx.Response(200, json={"outcome": "dead", "attempt": 2, "error": "no", "output": None})
    script = Scripted(httpx.Response(202, json={"state": "running"}), ended)
    with client(script) as producer:
        assert producer.result("j-1") == Result("dead", 2, "no", None)
        script.answers = [httpx.Response(202, json={"state": "running"})]
        with pytest.raises(ResultTimeout):
            producer.result("j-1", timeout=0)
    assert script.requests[0].extensions["timeout"]["read"] == 45.0, "the wait is no silence"


def test_ids_are_one_segment_of_the_path() -> None:
    script = Scripted(httpx.Response(200, json={"cancelled": "now"}), httpx.Response(200, json={"tasks": 1, "jobs": 2}))
    with client(script) as producer:
        assert producer.cancel("a/../b") == "now"
        assert producer.publish("orders.7.paid", {"sum": 3}, key="order-7") == {"tasks": 1, "jobs": 2}
    assert script.requests[0].url.raw_path == b"/api/v1/jobs/a%2F..%2Fb/cancel"
    assert script.bodies()[1]["key"] == "order-7" and script.bodies()[1]["id"]


def test_the_asynchronous_client_does_the_same() -> None:
    async def use(script: Scripted) -> list[str]:
        async with AsyncClient("http://api", "secret", transport=httpx.MockTransport(script)) as producer:
            assert (await producer.enqueue("mail")).id == "j-1"
            return [job["id"] async for job in producer.jobs()]

    script = Scripted(httpx.ReadError("the answer was lost"), made(), *pages().answers)
    assert asyncio.run(use(script)) == ["2", "1"]
    assert script.requests[0].headers["idempotency-key"] == script.requests[1].headers["idempotency-key"]


def test_both_clients_have_the_same_methods() -> None:
    def public(of: type) -> set[str]:
        return {name for name in vars(of) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)
    names: Callable[[Any], list[str]] = lambda method: list(method.__annotations__)  # noqa: E731
    for name in public(Client):
        assert names(getattr(Client, name)) == names(getattr(AsyncClient, name)), name
