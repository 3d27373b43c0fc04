"""A worker against the API in memory, with faults."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from conftest import Running
from fake_api import FakeApi

from ordinaut import AsyncContext, Cancel, Context, StopReason, Worker
from ordinaut.worker import claimer
from ordinaut.worker.__main__ import main


def test_functions_and_coroutines_run_and_settle(api: FakeApi, running: Running) -> None:
    worker = running.worker(queues=["q"], name="w", slots=3, lease=20)

    @worker.handler("double")
    def double(args: Any, ctx: Context) -> int:
        return int(args["n"]) * 2

    @worker.handler("fail")
    async def fail(args: Any, ctx: AsyncContext) -> None:
        await asyncio.sleep(0)
        raise ValueError(f"attempt {ctx.attempt} of {ctx.job_id}")

    jobs = [api.add("double", {"n": n}) for n in range(20)]
    failing, unknown = api.add("fail"), api.add("unknown")
    running.start(worker)
    api.until(lambda: all(job.ends for job in jobs) and len(failing.ends) == 2 and unknown.ends)
    assert [job.ends[0]["output"] for job in jobs] == [2 * n for n in range(20)]
    assert failing.outcomes == ["failed", "failed"] and failing.ends[1]["error"] == "ValueError: attempt 2 of job-21"
    assert unknown.ends[0]["error"] == "this worker has no handler for this kind"
    profile = api.opened[0]
    assert (profile["name"], profile["queues"], profile["kinds"]) == ("w", ["q"], ["double", "fail"])
    assert (profile["capacity"], profile["lease_seconds"]) == (3, 20.0)
    claims = [body for route, body in api.requests if route == "/leases"]
    assert [body["claim"] for body in claims] == list(range(1, len(claims) + 1))
    assert all(1 <= body["max"] <= 3 for body in claims)


def test_a_lost_answer_of_a_claim_is_asked_for_again_under_its_number(api: FakeApi, running: Running) -> None:
    jobs = [api.add("k"), api.add("k")]
    api.lose["/leases"] = 2
    running.handle("k", lambda args, ctx: None)
    api.until(lambda: all(job.ends for job in jobs))
    assert [job.attempt for job in jobs] == [1, 1], "the leases of the lost answers came again"
    claims = [body["claim"] for route, body in api.requests if route == "/leases"]
    assert claims[:3] == [1, 1, 1]
    again = [body.get("again") for route, body in api.requests if route == "/leases"]
    assert again[:4] == [None, True, True, None]
    beats = [body["answered"] for route, body in api.requests if route == "/sessions/heartbeat"]
    assert beats == sorted(beats)


def test_one_suspect_at_a_time(api: FakeApi, running: Running) -> None:
    may_end = threading.Event()
    job = api.add("k")
    api.suspects.add(job.id)
    running.handle("k", lambda args, ctx: may_end.wait(20))
    claims: list[Any] = []

    def has_claimed_on() -> bool:
        claims[:] = [body for route, body in api.requests if route == "/leases"]
        return len(claims) > 1

    api.until(has_claimed_on)
    may_end.set()
    api.until(lambda: job.ends)
    assert [body.get("suspects") for body in claims[:2]] == [None, False]


def test_a_settle_is_repeated_until_it_is_answered(
    api: FakeApi, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    api.lose["/leases/settle"] = 2
    job = api.add("k")
    worker = running.handle("k", lambda args, ctx: "done")
    api.until(lambda: api.count("/leases/settle") == 3)
    later = api.add("k")
    api.until(lambda: later.ends)
    assert job.outcomes == ["succeeded"] and job.attempt == 1
    assert not [
        record for record in caplog.records if "after its lease" in record.message and record.levelname != "DEBUG"
    ]
    assert worker is not None


def test_an_end_that_the_api_refuses_buries_the_job_and_holds_up_no_other(api: FakeApi, running: Running) -> None:
    job, other = api.add("k", "refused"), api.add("k", "fine")
    running.handle("k", lambda args, ctx: args)
    api.until(lambda: job.ends and other.ends)
    assert (
        job.outcomes == ["dead"] and job.ends[0]["error"] == "the end of the attempt was refused: the output is refused"
    )
    assert other.ends[0]["output"] == "fine"


def test_a_dead_session_stops_its_handlers_and_another_one_is_opened(api: FakeApi, running: Running) -> None:
    began, told, may_end = threading.Event(), threading.Event(), threading.Event()
    attempts: list[int] = []

    def handler(args: Any, ctx: Context) -> str:
        attempts.append(ctx.attempt)
        if ctx.attempt == 1:
            began.set()
            assert ctx.wait_cancelled(20) and ctx.stop_reason is StopReason.LEASE_LOST
            told.set()
            may_end.wait(20)
        return f"attempt {ctx.attempt}"

    job = api.add("k")
    running.handle("k", handler, slots=2)
    assert began.wait(20)
    api.kill_sessions()
    assert told.wait(20)
    api.until(lambda: job.ends)
    may_end.set()
    assert [end["output"] for end in job.ends] == ["attempt 2"] and attempts == [1, 2]
    assert len(api.sessions) == 2


def test_the_workers_own_clock_ends_a_session_that_nobody_answers(running: Running) -> None:
    api = running.api
    api.lease = 1.0
    began, reasons = threading.Event(), list[Any]()

    async def handler(args: Any, ctx: AsyncContext) -> str:
        began.set()
        try:
            await asyncio.sleep(20)
        finally:
            reasons.append(ctx.stop_reason)
        return "never"

    job = api.add("k")
    running.handle("k", handler)
    assert began.wait(20)
    api.refuse["/sessions/heartbeat"] = (500, {})
    api.until(lambda: reasons)
    assert reasons == [StopReason.LEASE_LOST] and job.ends == []


def test_a_blocked_event_loop_does_not_stop_the_heartbeat(api: FakeApi, running: Running) -> None:
    blocked, unblock = threading.Event(), threading.Event()

    async def handler(args: Any, ctx: AsyncContext) -> str:
        blocked.set()
        unblock.wait(20)
        return "done"

    job = api.add("k")
    running.handle("k", handler)
    assert blocked.wait(20)
    beats = api.count("/sessions/heartbeat")
    api.until(lambda: api.count("/sessions/heartbeat") >= beats + 3)
    unblock.set()
    api.until(lambda: job.ends)
    assert job.outcomes == ["succeeded"]


def test_time_limits_end_attempts_of_both_kinds_of_handlers(api: FakeApi, running: Running) -> None:
    worker = running.worker(slots=2)
    cancelled, told, may_end = threading.Event(), threading.Event(), threading.Event()

    @worker.handler("async")
    async def in_loop(args: Any, ctx: AsyncContext) -> None:
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    @worker.handler("sync")
    def in_thread(args: Any, ctx: Context) -> str:
        if ctx.wait_cancelled(20):
            told.set()
        may_end.wait(20)
        return "too late"

    jobs = [api.add(kind, timeout_seconds=0.2) for kind in ("async", "sync")]
    for job in jobs:
        job.ends.append({"outcome": "before", "error": ""})
    running.start(worker)
    assert cancelled.wait(20) and told.wait(20)
    api.until(lambda: all(len(job.ends) == 2 for job in jobs))
    may_end.set()
    assert [job.ends[1]["error"] for job in jobs] == ["timed out after 0.2 s"] * 2


def test_a_cancel_is_heard_and_what_the_handler_does_then_counts(api: FakeApi, running: Running) -> None:
    worker = running.worker(slots=3)
    began = threading.Semaphore(0)

    @worker.handler("raises")
    def raises(args: Any, ctx: Context) -> None:
        began.release()
        ctx.wait_cancelled(20)
        raise Cancel(f"told: {ctx.is_cancelled()}")

    @worker.handler("cleans")
    async def cleans(args: Any, ctx: AsyncContext) -> str:
        began.release()
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            return "cleaned up"
        return "never"

    @worker.handler("passes")
    async def passes(args: Any, ctx: AsyncContext) -> None:
        began.release()
        await asyncio.sleep(20)

    jobs = [api.add(kind) for kind in ("raises", "cleans", "passes")]
    running.start(worker)
    for _ in jobs:
        assert began.acquire(timeout=20)
    for job in jobs:
        job.cancel = True
    api.until(lambda: all(job.ends for job in jobs))
    assert [job.outcomes for job in jobs] == [["cancelled"], ["succeeded"], ["cancelled"]]
    assert jobs[0].ends[0]["error"] == "told: True" and jobs[1].ends[0]["output"] == "cleaned up"


def test_a_worker_that_stops_lets_handlers_end_and_gives_back_the_rest(api: FakeApi, running: Running) -> None:
    worker = running.worker(slots=2, grace=1)
    began = threading.Semaphore(0)
    never = threading.Event()

    @worker.handler("quick")
    def quick(args: Any, ctx: Context) -> str:
        began.release()
        api.until(lambda: ctx.is_shutting_down)
        return "in time"

    @worker.handler("slow")
    def slow(args: Any, ctx: Context) -> str:
        began.release()
        never.wait(20)
        return "too late"

    ends, given_back = api.add("quick"), api.add("slow")
    running.start(worker)
    for _ in range(2):
        assert began.acquire(timeout=20)
    waiting = api.add("quick")
    running.stop()
    never.set()
    assert (ends.outcomes, given_back.outcomes, waiting.ends) == (["succeeded"], ["released"], [])
    assert list(api.sessions.values()) == [False] and waiting.attempt == 0


def test_a_drained_worker_claims_nothing_until_it_is_not(
    api: FakeApi, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claimer, "IDLE_PAUSE", 0.02)
    monkeypatch.setattr(claimer, "LONG_POLL", 0.05)
    worker = running.handle("k", lambda args, ctx: None)
    api.is_draining = True
    assert worker._engine is not None
    api.until(lambda: worker._engine._session is not None and worker._engine._session.is_draining)  # type: ignore[union-attr]
    claims = api.count("/leases")
    beats = api.count("/sessions/heartbeat")
    api.until(lambda: api.count("/sessions/heartbeat") > beats + 2)
    assert api.count("/leases") <= claims + 1, "one may have been under way"
    job = api.add("k")
    api.is_draining = False
    api.until(lambda: job.ends)


def test_a_worker_in_a_programs_own_loop(api: FakeApi) -> None:
    worker = Worker("http://api", "token", transport=api.transport)
    loops: list[Any] = []

    @worker.handler("k")
    async def handler(args: Any, ctx: AsyncContext) -> None:
        loops.append(asyncio.get_running_loop())

    async def program() -> None:
        serving = asyncio.create_task(worker.serve())
        job = api.add("k")
        await asyncio.to_thread(lambda: api.until(lambda: job.ends))
        assert loops == [asyncio.get_running_loop()]
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert list(api.sessions.values()) == [False]

    asyncio.run(program())


def test_a_worker_that_may_not_open_a_session_says_so(
    api: FakeApi, running: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.refuse["/sessions"] = (403, {"detail": "the agent lacks the scope workers:lease"})
    worker = running.worker()
    worker.handler("k")(lambda args, ctx: None)
    monkeypatch.setattr(main.__globals__["importlib"], "import_module", lambda _: type("M", (), {"worker": worker}))
    assert main(["module:worker"]) == 1
    assert "the agent lacks the scope workers:lease" in capsys.readouterr().err
    assert main(["module:other"]) == 2 and main([]) == 2


def test_threads_do_not_keep_a_program_from_ending(api: FakeApi, running: Running) -> None:
    never = threading.Event()
    began = threading.Event()

    def stuck(args: Any, ctx: Context) -> None:
        began.set()
        never.wait(60)

    api.add("k")
    running.handle("k", stuck)
    assert began.wait(20)
    at = time.monotonic()
    running.stop(grace=False)
    assert time.monotonic() - at < 10
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("ordinaut"))
    never.set()
