"""A worker as a process, which tells on standard output what happens to it. clients/typescript has the same."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from ordinaut import AsyncContext, Context, Worker


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


worker = Worker(
    os.environ["JOBS_URL"],
    os.environ["JOBS_TOKEN"],
    queues=[os.environ["QUEUE"]],
    name=os.environ["NAME"],
    slots=2,
    lease=float(os.environ["LEASE"]),
    grace=2,
)


@worker.handler("hang")
def hang(args: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """Hangs in attempts up to the one that is named, until it is told to stop."""
    tell(began=ctx.job_id, attempt=ctx.attempt, token=ctx.lease.token)
    if ctx.attempt <= args["until"]:
        ctx.wait_cancelled()
        tell(stopped=ctx.stop_reason.name.lower() if ctx.stop_reason else None, attempt=ctx.attempt)
    return {"by": os.environ["NAME"], "attempt": ctx.attempt}


@worker.handler("nap")
async def nap(args: dict[str, Any], ctx: AsyncContext) -> str:
    await asyncio.sleep(args["seconds"])
    return "rested"


@worker.handler("talk", stalls_after=60)
def talk(args: dict[str, Any], ctx: Context) -> Any:
    """Says everything that a handler can say, and goes on until it is given parameters."""
    ctx.log("began")
    ctx.progress(25, "talking")
    ctx.advance(3)
    ctx.stream("once upon ")
    while (given := ctx.parameters()) is None:
        ctx.wait_cancelled(0.02)
    ctx.stream("a time")
    ctx.log("was told", "warn")
    return given


@worker.handler("order")
async def order(args: dict[str, Any], ctx: AsyncContext) -> list[Any]:
    """Durable work: each of its steps runs once, over all attempts."""

    async def charge() -> str:
        tell(charged=ctx.job_id)
        return "r-1"

    receipt = await ctx.step("charge", charge)
    await ctx.sleep("a moment", 0.2)
    child = await ctx.enqueue("child", "nap", {"seconds": 0}, queue=os.environ["QUEUE"])
    ended = await ctx.wait_for_job(child, timeout=60)
    event = await ctx.wait_for("packed", "parcels.packed", args["order"], timeout=60)
    answer = await ctx.approval("ship", "Ship it?", within=60)
    return [receipt, ended, event, answer.decision, answer.note, ctx.attempt > 1]


if __name__ == "__main__":
    worker.run()
    tell(ended=True)
