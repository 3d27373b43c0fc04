"""Progress, log, streamed output and parameters of a worker against the API in memory."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from conftest import Running
from fake_api import FakeApi

from ordinaut import AsyncContext, Context
from ordinaut.worker.reports import Channel, Reports, runs


def test_what_a_handler_says_is_there_before_its_end(api: FakeApi, running: Running) -> None:
    def handle(args: Any, ctx: Context) -> None:
        ctx.progress(50, "half")
        ctx.advance(3)
        ctx.log("first")
        ctx.log("second", "warn")
        ctx.stream("once ")
        ctx.stream("upon a time")

    job = api.add("k")
    running.handle("k", handle)
    api.until(lambda: job.ends)
    assert (job.progress["percent"], job.progress["note"], job.progress["counter"]) == (50.0, "half", 3)
    assert [(line["text"], line["level"]) for line in job.lines.values()] == [("first", "info"), ("second", "warn")]
    assert "".join(job.chunks.values()) == "once upon a time"


def test_a_level_may_have_the_name_of_logging_and_another_one_is_refused_at_once() -> None:
    reports = Reports("token")
    reports.log("w", "warning")
    with pytest.raises(ValueError, match="loud"):
        reports.log("x", "loud")  # type: ignore[arg-type]
    assert [(line.text, line.level) for line in reports.take(progress_is_due=True).lines] == [("w", "warn")]


def test_of_a_chunk_that_is_too_long_the_beginning_is_kept() -> None:
    reports = Reports("token")
    reports.stream("a")
    reports.stream("x" * 1_100_000)
    chunks = reports.take(progress_is_due=True).chunks
    assert max(len(chunk.text) for chunk in chunks) < 50_000
    assert 1024 * 1024 <= sum(len(chunk.text) for chunk in chunks if not chunk.is_beyond) < 1_100_000


def test_lost_answers_and_an_api_that_is_away_cost_no_line_and_double_none(api: FakeApi, running: Running) -> None:
    api.lose["/leases/log"] = 1
    may_end = threading.Event()

    def handle(args: Any, ctx: Context) -> None:
        for n in range(5):
            ctx.log(f"line {n}")
        may_end.wait(20)

    job = api.add("k")
    running.handle("k", handle)
    api.until(lambda: api.count("/leases/log") > 1)
    may_end.set()
    api.until(lambda: job.ends)
    assert [line["text"] for line in job.lines.values()] == [f"line {n}" for n in range(5)]


def test_progress_is_written_once_a_second(api: FakeApi, running: Running) -> None:
    async def handle(args: Any, ctx: AsyncContext) -> None:
        for n in range(1000):
            ctx.progress(n / 10, "counting")
            ctx.advance()

    job = api.add("k")
    running.handle("k", handle)
    api.until(lambda: job.ends)
    assert job.progress["counter"] == 1000 and api.count("/leases/progress") <= 2


def test_a_kind_that_stalls_is_watched_from_the_beginning(api: FakeApi, running: Running) -> None:
    worker = running.worker()
    worker.handler("k", stalls_after=60, cancel_stalled=True)(lambda args, ctx: None)
    job = api.add("k")
    running.start(worker)
    api.until(lambda: job.ends)
    assert (job.progress["stalls_after_seconds"], job.progress["cancel_stalled"]) == (60.0, True)


def test_parameters_are_found_at_first_and_come_with_heartbeats(api: FakeApi, running: Running) -> None:
    seen: list[Any] = []

    def handle(args: Any, ctx: Context) -> None:
        seen.append(ctx.parameters())
        api.give(job, {"pace": 2})
        while ctx.parameters() == {"pace": 1}:
            ctx.wait_cancelled(0.01)
        seen.append(ctx.parameters())

    job = api.add("k")
    api.give(job, {"pace": 1})
    running.handle("k", handle)
    api.until(lambda: job.ends)
    assert seen == [{"pace": 1}, {"pace": 2}] and api.count("/leases/parameters") == 1


def test_a_lost_attempt_says_nothing_more() -> None:
    reports = Reports("token")
    reports.log("a", "info")
    taken = reports.take(progress_is_due=True)
    reports.lose()
    reports.put_back(taken)
    reports.log("b", "info")
    reports.advance(1)
    assert not reports.is_untold


def test_what_is_beyond_the_bounds_is_one_part_with_the_last_number() -> None:
    channel = Channel(10, 1000)
    for _ in range(25):
        channel.say("x", "info", gather=False)
    assert [part.n for part in channel.untold] == [*range(1, 11), 25]
    assert [[part.n for part in run] for run in runs(channel.take(), 10_000)] == [[*range(1, 11)], [25]]
    channel.say("y", "info", gather=False)
    assert [part.n for part in channel.take()] == [26]
