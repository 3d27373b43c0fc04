// Progress, log, streamed output and parameters of a worker against the API in memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Channel, Reports, runs } from "../src/worker/reports.js";
import { until } from "./fake_api.js";
import { gate, Running } from "./running.js";

test("what a handler says is there before its end", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  const job = api.add("k");
  const worker = running.worker().handle("k", (_, ctx) => {
    ctx.progress(50, "half");
    ctx.advance(3);
    ctx.log("first");
    ctx.log("second", "warn");
    ctx.stream("once ");
    ctx.stream("upon a time");
  });
  running.run(worker);
  await until(() => job.ends.length > 0);
  const { percent, note, counter } = job.progress;
  assert.deepEqual([percent, note, counter], [50, "half", 3]);
  assert.deepEqual([...job.lines.values()].map(({ text, level }) => [text, level]), [["first", "info"], ["second", "warn"]]);
  assert.equal([...job.chunks.values()].join(""), "once upon a time");
});

test("a level may have another name, and one that is none is refused at once", () => {
  const reports = new Reports("token");
  reports.log("w", "warning" as "warn");
  assert.throws(() => reports.log("x", "loud" as "warn"), /loud/);
  assert.deepEqual(reports.take(true).lines.map(({ text, level }) => [text, level]), [["w", "warn"]]);
});

test("of a chunk that is too long the beginning is kept, and no character is cut", () => {
  const reports = new Reports("token");
  reports.stream("a");
  reports.stream("\u{1f600}".repeat(600_000));
  const { chunks } = reports.take(true);
  const kept = chunks.filter(({ isBeyond }) => !isBeyond).map(({ text }) => text).join("");
  assert.ok(kept.length >= 1024 * 1024 && kept.length < 1_200_000 && !kept.includes("\ufffd"));
});

test("a lost answer costs no line and doubles none", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  api.lose.set("/leases/log", 1);
  const job = api.add("k");
  const { passed, open } = gate();
  const worker = running.worker().handle("k", async (_, ctx) => {
    for (let n = 0; n < 5; n += 1) ctx.log(`line ${n}`);
    await passed;
  });
  running.run(worker);
  await until(() => api.count("/leases/log") > 1);
  open();
  await until(() => job.ends.length > 0);
  assert.deepEqual([...job.lines.values()].map(({ text }) => text), [0, 1, 2, 3, 4].map((n) => `line ${n}`));
});

test("progress is written once a second, and a kind that stalls is watched from the beginning", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  const job = api.add("k");
  const count = (_: unknown, ctx: { progress(percent: number): void; advance(): void }): void => {
    for (let n = 0; n < 1000; n += 1) {
      ctx.progress(n / 10);
      ctx.advance();
    }
  };
  running.run(running.worker().handle("k", count, undefined, { stallsAfter: 60, cancelStalled: true }));
  await until(() => job.ends.length > 0);
  const { counter, stalls_after_seconds, cancel_stalled } = job.progress;
  assert.deepEqual([counter, stalls_after_seconds, cancel_stalled], [1000, 60, true]);
  assert.ok(api.count("/leases/progress") <= 2);
});

test("parameters are found at first and come with heartbeats", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  const job = api.add("k");
  api.give(job, { pace: 1 });
  const seen: unknown[] = [];
  const worker = running.worker().handle("k", async (_, ctx) => {
    seen.push(await ctx.parameters());
    api.give(job, { pace: 2 });
    while ((await ctx.parameters<{ pace: number }>())?.pace === 1) await sleep(5);
    seen.push(await ctx.parameters());
  });
  running.run(worker);
  await until(() => job.ends.length > 0);
  assert.deepEqual(seen, [{ pace: 1 }, { pace: 2 }]);
  assert.equal(api.count("/leases/parameters"), 1);
});

test("a lost attempt says nothing more", () => {
  const reports = new Reports("token");
  reports.log("a", "info");
  const taken = reports.take(true);
  reports.lose();
  reports.putBack(taken);
  reports.log("b", "info");
  reports.advance(1);
  assert.equal(reports.isUntold, false);
});

test("what is beyond the bounds is one part with the last number", () => {
  const channel = new Channel({ most: 10, mostChars: 1000 });
  for (let n = 0; n < 25; n += 1) channel.say("x", "info", false);
  const numbers = runs(channel.take(), 10_000).map((run) => run.map(({ n }) => n));
  assert.deepEqual(numbers, [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [25]]);
});
