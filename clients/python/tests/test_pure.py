"""What decides without a clock or a connection."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from ordinaut import Cancel, Fatal, Retry, Snooze, Unavailable, answers, sql
from ordinaut.backoff import again_in, delay, retry_after
from ordinaut.json_text import as_text, encode
from ordinaut.worker.book import Book
from ordinaut.worker.end import End, EndOutcome, Suspended, raised, returned, stopped
from ordinaut.worker.handler import ArgsError, Handler
from ordinaut.worker.lease import Lease
from ordinaut.worker.step_name import fault, numbered
from ordinaut.worker.stop import StopReason

OPENAPI = Path(__file__).parents[3] / "ordinaut-api" / "openapi.json"


def test_waits_grow_to_a_cap_and_a_server_that_asks_is_heard() -> None:
    assert [delay(n, 1.0) for n in (1, 2, 3)] == [0.1, 0.2, 0.4]
    assert delay(1000, 1.0) == 5.0 and delay(1, 0.0) == 0.05
    assert again_in(1, 1.0, 7.0, 10.0) == 7.0
    assert again_in(1, 1.0, 11.0, 10.0) is None
    assert (retry_after("3"), retry_after(None), retry_after("tomorrow")) == (3.0, None, None)


def test_a_name_that_comes_again_is_another_one() -> None:
    assert [numbered("mail", nth) for nth in (1, 2, 10)] == ["mail", "mail#2", "mail#10"]
    assert all(fault(name) for name in ("mail#2", "", "a\nb", "x" * 201))
    assert fault("send the mail") is None
    book = Book()
    book.add({"mail": 1, "mail#2": None})
    found = [book.find(book.name("mail")) for _ in range(3)]
    assert [step and step.result for step in found] == [1, None, None] and found[1] is not None and found[2] is None
    with pytest.raises(Fatal, match="must not contain #"):
        book.name("a#2")


def test_what_a_handler_raises_says_what_becomes_of_its_job() -> None:
    assert raised(Retry("busy", after=3)) == End("failed", error="busy", after_seconds=3)
    assert raised(Snooze(5)) == End("snoozed", after_seconds=5)
    assert raised(Cancel("nobody wants it")) == End("cancelled", error="nobody wants it")
    assert raised(Fatal("never")) == End("dead", error="never")
    down = raised(Unavailable("billing", "it answered 503", host="a:80"))
    assert down == End("unavailable", error="it answered 503", target="billing", host="a:80")
    assert json.loads(down.written("t", 1))["target"] == "billing"
    assert raised(Suspended(2.5)) == End("waiting", after_seconds=2.5)
    for after in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="after must be from 0"):
            Snooze(after)
        with pytest.raises(ValueError, match="after must be from 0"):
            Retry(after=after)
    try:
        try:
            raise KeyError("port")
        except KeyError as error:
            raise ValueError("no address") from error
    except ValueError as error:
        assert raised(error) == End("failed", error="ValueError: no address: KeyError: 'port'")
    assert stopped(StopReason.LEASE_LOST, 1) is None
    assert stopped(StopReason.TIMED_OUT, 1.5) == End("failed", error="timed out after 1.5 s")


def test_what_cannot_be_kept_as_output_buries_the_job() -> None:
    assert returned(None) == End("succeeded")
    assert returned({"a": [1]}) == End("succeeded", output=b'{"a":[1]}')
    for value in (object(), float("inf"), "\ud800", "x" * 70_000):
        assert returned(value).outcome == "dead"
    loop: list[Any] = []
    loop.append(loop)
    assert returned(loop).outcome == "dead"


def test_an_end_is_json_whatever_its_error_holds() -> None:
    written = json.loads(End("failed", error="a\0b\ud800").written("t", 0.5))
    assert written == {"token": "t", "outcome": "failed", "ran_seconds": 0.5, "error": "a\\0b?"}
    written = json.loads(End("succeeded", output=encode({"ä": 1})).written("t", 0.5))
    assert written["output"] == {"ä": 1}
    assert as_text("ä") == "ä"


class Model(BaseModel):
    to: str


@dataclass
class Inner:
    sum: int


@dataclass
class Outer:
    inner: Inner
    note: str = ""


def test_arguments_are_what_the_annotation_says() -> None:
    def untyped(args, ctx):  # type: ignore[no-untyped-def]
        return args

    def mapping(args: dict[str, Any], ctx: Any) -> Any:
        return args

    async def model(args: Model, ctx: Any) -> Any:
        return args

    def outer(args: Outer, ctx: Any) -> Any:
        return args

    assert Handler.of("k", untyped).args([1]) == [1]
    assert Handler.of("k", mapping).args({"a": 1}) == {"a": 1}
    handler = Handler.of("k", model)
    assert handler.is_async and handler.args({"to": "ann"}) == Model(to="ann")
    with pytest.raises(ArgsError, match="args are no Model"):
        handler.args({})
    assert Handler.of("k", outer).args({"inner": {"sum": 3}, "newer": 1}) == Outer(Inner(3))
    for wrong in ({}, {"inner": 3}, None):
        with pytest.raises(ArgsError, match="args are no Outer"):
            Handler.of("k", outer).args(wrong)


def test_a_handler_that_cannot_be_called_is_refused_when_it_is_registered() -> None:
    with pytest.raises(TypeError, match="must take args and ctx"):
        Handler.of("k", lambda args: None)  # type: ignore[arg-type, misc]

    def unknown(args: Nowhere, ctx: Any) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Its annotation cannot be found."""

    with pytest.raises(TypeError, match="'Nowhere' of its args is unknown"):
        Handler.of("k", unknown)


def test_the_statement_names_each_argument_and_its_type() -> None:
    statement, values = sql._statement(
        ":{}", "ordinaut", "mail", {"to": 1}, {"delay": 60, "tags": ("a",), "queue": None}
    )
    assert statement == (
        'select "ordinaut".enqueue(kind => cast(:kind as text), args => cast(:args as jsonb), '
        "delay => make_interval(secs => cast(:delay as double precision)), tags => cast(:tags as text[]))"
    )
    assert values == {"kind": "mail", "args": '{"to":1}', "delay": 60, "tags": ["a"]}
    with pytest.raises(ValueError, match="schema"):
        sql._statement(":{}", 'a"; drop', "mail", None, {})
    with pytest.raises(TypeError, match="no argument prio"):
        sql._statement(":{}", "ordinaut", "mail", None, {"prio": 1})


def test_answers_have_the_fields_of_the_openapi_document() -> None:
    schemas = json.loads(OPENAPI.read_text())["components"]["schemas"]

    def required(name: str) -> set[str]:
        schema = schemas[name]
        inner = [
            required(part["$ref"].split("/")[-1]) if "$ref" in part else set(part["required"])
            for part in schema.get("allOf", [])
        ]
        return set(schema.get("required", [])).union(*inner)

    for name in ("Job", "JobSummary", "RunRecord", "Published"):
        assert set(get_type_hints(getattr(answers, name))) == required(name), name
    assert set(answers.JobState.__args__) == set(schemas["JobState"]["enum"])  # type: ignore[attr-defined]
    assert set(answers.Outcome.__args__) == set(schemas["Outcome"]["enum"])  # type: ignore[attr-defined]
    assert set(Lease.__dataclass_fields__) == set(schemas["Lease"]["properties"])
    outcomes = schemas["EndOutcome"]["enum"]
    assert set(EndOutcome.__args__) == set(outcomes)  # type: ignore[attr-defined]
