"""Steps and waits against the API in memory."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

from conftest import Running
from fake_api import FakeApi

from ordinaut import AsyncContext, Context, Retry


def test_a_step_that_was_recorded_does_not_run_again(api: FakeApi, running: Running) -> None:
    ran: list[str] = []

    def work(name: str) -> Any:
        ran.append(name)
        return (name, 1)

    def handler(args: Any, ctx: Context) -> Any:
        results = [ctx.step("mail", partial(work, name)) for name in ("a", "b")]
        results.append(ctx.enqueue("child", "other", {"n": 1}, queue="q"))
        if ctx.attempt == 1:
            raise Retry("once more")
        return results

    job = api.add("k")
    api.lose["/leases/steps"] = 1
    running.handle("k", handler)
    api.until(lambda: len(job.ends) == 2)
    assert ran == ["a", "b"] and list(job.steps) == ["mail", "mail#2", "child"]
    assert job.ends[1]["output"] == [["a", 1], ["b", 1], "child-2"]
    assert api.count("/leases/steps/list") == 1, "the first attempt has nothing to read"
    enqueued = next(body for route, body in api.requests if route == "/leases/enqueue")
    assert enqueued["job"] == {"kind": "other", "args": {"n": 1}, "queue": "q"} and enqueued["name"] == "child"


def test_a_step_gives_what_later_attempts_get(api: FakeApi, running: Running) -> None:
    seen: list[Any] = []
    job = api.add("k")
    running.handle("k", lambda args, ctx: seen.append(ctx.step("s", lambda: (1, 2))))
    api.until(lambda: job.ends)
    assert seen == [[1, 2]]


def test_steps_of_coroutines_are_numbered_in_the_order_of_the_calls(api: FakeApi, running: Running) -> None:
    async def handler(args: Any, ctx: AsyncContext) -> Any:
        async def work(n: int) -> int:
            await asyncio.sleep(0.02 * (3 - n))
            return n

        found = await asyncio.gather(*(ctx.step("n", partial(work, n)) for n in range(3)))
        if ctx.attempt == 1:
            raise Retry("once more")
        await ctx.checkpoint({"at": 1})
        return [found, ctx.saved_checkpoint]

    job = api.add("k")
    running.handle("k", handler)
    api.until(lambda: len(job.ends) == 2)
    assert job.steps == {"n": 0, "n#2": 1, "n#3": 2}
    assert job.ends[1]["output"] == [[0, 1, 2], {"at": 1}]


def test_a_step_of_a_coroutine_may_be_plain(api: FakeApi, running: Running) -> None:
    async def handler(args: Any, ctx: AsyncContext) -> Any:
        return await ctx.step("s", lambda: 7)

    job = api.add("k")
    running.handle("k", handler)
    api.until(lambda: job.ends)
    assert (job.steps, job.ends[0]["output"]) == ({"s": 7}, 7)


def test_waits_end_the_attempt_and_their_answers_go_on(api: FakeApi, running: Running) -> None:
    caught: list[BaseException] = []

    def sync(args: Any, ctx: Context) -> Any:
        try:
            ctx.sleep("a while", 60)
        except Exception as error:
            caught.append(error)
        event = ctx.wait_for("paid", "orders.paid", "7", timeout=60)
        ended = ctx.wait_for_job("child-1", timeout=60)
        answer = ctx.approval("ship", "Ship it?", within=60)
        return [event, ended, answer.is_approved, answer.by]

    async def coroutine(args: Any, ctx: AsyncContext) -> Any:
        await ctx.sleep("a while", 60)
        answer = await ctx.approval("ship", "Ship it?")
        return [await ctx.wait_for("paid", "orders.paid"), await ctx.wait_for_job("child-1"), answer.is_expired]

    worker = running.worker()
    worker.handler("sync")(sync)
    worker.handler("async")(coroutine)
    jobs = [api.add("sync"), api.add("async")]
    running.start(worker)
    api.until(lambda: all(job.ends for job in jobs))
    assert [job.ends[0]["after_seconds"] for job in jobs] == [12.5, 12.5]
    assert [job.outcomes for job in jobs] == [["waiting"], ["waiting"]] and caught == []

    rejected = {"decision": "rejected", "by": None, "note": None, "at": None}
    event = {"n": 1, "topic": "orders.paid", "key": "7", "payload": {"sum": 3}}
    api.answers_to_waits = {
        "a while": None,
        "paid": event,
        "end of child-1": {"outcome": "succeeded"},
        "ship": rejected,
    }
    with api.changed:
        for job in jobs:
            job.is_waiting = True
        api.changed.notify_all()
    api.until(lambda: all(len(job.ends) == 2 for job in jobs))
    assert jobs[0].ends[1]["output"] == [{"sum": 3}, "succeeded", False, None]
    assert jobs[1].ends[1]["output"] == [{"sum": 3}, "succeeded", True]
    waits = [body for route, body in api.requests if route == "/leases/waits" and body["name"] == "paid"]
    assert {"kind": "event", "topic": "orders.paid", "key": "7", "seconds": 60}.items() <= waits[0].items()


def test_a_step_after_the_lease_was_lost_stops_the_handler(api: FakeApi, running: Running) -> None:
    began, lost, went_on = threading.Event(), threading.Event(), list[str]()

    def handler(args: Any, ctx: Context) -> str:
        if ctx.attempt > 1:
            return "elsewhere"
        began.set()
        lost.wait(20)
        try:
            ctx.step("too late", lambda: 1)
        except Exception:
            went_on.append("caught")
        went_on.append("after")
        return "never"

    api.heartbeat = 60.0
    job = api.add("k")
    running.handle("k", handler, slots=1)
    assert began.wait(20)
    with api.changed:
        job.token, job.is_waiting = None, True
        api.changed.notify_all()
    lost.set()
    api.until(lambda: job.ends)
    assert went_on == [] and [end["output"] for end in job.ends] == ["elsewhere"]


def test_what_no_retry_can_mend_buries_the_job(api: FakeApi, running: Running) -> None:
    worker = running.worker()
    worker.handler("name")(lambda args, ctx: ctx.step("a#2", lambda: 1))
    worker.handler("json")(lambda args, ctx: ctx.step("a", object))
    jobs = [api.add("name"), api.add("json")]
    running.start(worker)
    api.until(lambda: all(job.ends for job in jobs))
    assert [job.outcomes for job in jobs] == [["dead"], ["dead"]]
    assert "must not contain #" in jobs[0].ends[0]["error"]
    assert "cannot be written as JSON" in jobs[1].ends[0]["error"]
