// A worker against the API in memory, with faults.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, Cancel, type Context } from "../src/index.js";
import { until } from "./fake_api.js";
import { gate, Running } from "./running.js";

test("handlers run and settle", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  const jobs = Array.from({ length: 20 }, (_, n) => api.add("double", { n }));
  const [failing, unknown, wrong] = [api.add("fail"), api.add("unknown"), api.add("parsed", "text")];
  const worker = running.worker({ queues: ["q"], name: "w", slots: 3, lease: 20 });
  worker.handle<{ n: number }>("double", ({ n }) => n * 2);
  worker.handle("fail", async (_, ctx) => {
    await Promise.resolve();
    throw new TypeError(`attempt ${ctx.attempt} of ${ctx.jobId}`);
  });
  const parse = (args: unknown): number => {
    if (typeof args !== "number") throw new Error("a number is needed");
    return args;
  };
  worker.handle("parsed", (args) => args.toFixed(), parse);
  running.run(worker);
  await until(() => jobs.every(({ ends }) => ends.length === 1) && failing.ends.length === 2);
  await until(() => unknown.ends.length > 0 && wrong.ends.length > 0);
  assert.deepEqual(jobs.map(({ ends }) => ends[0]?.["output"]), jobs.map((_, n) => 2 * n));
  assert.equal(failing.ends[1]?.["error"], "TypeError: attempt 2 of job-21");
  assert.equal(unknown.ends[0]?.["error"], "this worker has no handler for this kind");
  assert.equal(wrong.ends[0]?.["error"], "args are not what the handler takes: Error: a number is needed");
  const { name, queues, kinds, capacity, lease_seconds } = api.opened[0] ?? {};
  assert.deepEqual([name, queues, kinds, capacity, lease_seconds], ["w", ["q"], ["double", "fail", "parsed"], 3, 20]);
  const claims = api.bodies("/leases");
  assert.deepEqual(claims.map(({ claim }) => claim), claims.map((_, n) => n + 1));
  assert.ok(claims.every(({ max }) => max >= 1 && max <= 3));
});

test("a lost answer of a claim is asked for again under its number", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  const jobs = [api.add("k"), api.add("k")];
  api.lose.set("/leases", 2);
  running.run(running.worker().handle("k", () => undefined));
  await until(() => jobs.every(({ ends }) => ends.length > 0));
  assert.deepEqual(jobs.map(({ attempt }) => attempt), [1, 1], "the leases of the lost answers came again");
  const claims = api.bodies("/leases").slice(0, 4);
  assert.deepEqual(claims.map(({ claim, again }) => [claim, again]).slice(0, 3), [[1, undefined], [1, true], [1, true]]);
});

test("a settle is repeated until it is answered", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  api.lose.set("/leases/settle", 2);
  const job = api.add("k");
  running.run(running.worker().handle("k", () => "done"));
  await until(() => api.count("/leases/settle") === 3);
  const later = api.add("k");
  await until(() => later.ends.length > 0);
  assert.deepEqual([job.ends.length, job.attempt], [1, 1]);
  assert.ok(!running.lines.some((line) => line.includes("after its lease")));
});

test("an end that the API refuses buries the job, and holds up no other", async (t) => {
  const running = await Running.start(t);
  const [job, other] = [running.api.add("k", "refused"), running.api.add("k", "fine")];
  running.run(running.worker().handle("k", (args) => args));
  await until(() => job.ends.length > 0 && other.ends.length > 0);
  assert.equal(job.ends[0]?.["outcome"], "dead");
  assert.equal(job.ends[0]?.["error"], "the end of the attempt was refused: the output is refused");
  assert.equal(other.ends[0]?.["output"], "fine");
});

test("one suspect at a time", async (t) => {
  const running = await Running.start(t);
  const end = gate();
  const job = running.api.add("suspect");
  running.run(running.worker().handle("suspect", () => end.passed));
  await until(() => running.api.count("/leases") > 1);
  end.open();
  await until(() => job.ends.length > 0);
  assert.deepEqual(running.api.bodies("/leases").slice(0, 2).map(({ suspects }) => suspects), [undefined, false]);
});

test("a dead session stops its handlers, and another one is opened", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  const end = gate();
  const reasons: unknown[] = [];
  let first: Context | undefined;
  const job = api.add("k");
  const handler = async (_: unknown, ctx: Context): Promise<string> => {
    if (ctx.attempt === 1) {
      first = ctx;
      ctx.signal.addEventListener("abort", () => reasons.push(ctx.stopReason));
      await end.passed;
    }
    return `attempt ${ctx.attempt}`;
  };
  running.run(running.worker({ slots: 2 }).handle("k", handler));
  await until(() => first !== undefined);
  api.killSessions();
  await until(() => job.ends.length > 0);
  end.open();
  await until(() => api.count("/leases") > 3);
  assert.deepEqual(job.ends.map(({ output }) => output), ["attempt 2"]);
  assert.deepEqual(reasons, ["lease_lost"]);
  assert.equal(api.sessions.size, 2);
});

test("the worker's own clock ends a session that nobody answers", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  api.lease = 1;
  const reasons: unknown[] = [];
  const job = api.add("k");
  const handler = async (_: unknown, ctx: Context): Promise<string> => {
    api.refuse.set("/sessions/heartbeat", { status: 500, detail: "" });
    await sleep(20_000, undefined, { signal: ctx.signal }).catch(() => reasons.push(ctx.stopReason));
    return "never";
  };
  running.run(running.worker().handle("k", handler));
  await until(() => reasons.length > 0);
  assert.deepEqual([reasons, job.ends], [["lease_lost"], []]);
});

test("a time limit ends the attempt, and a late result is ignored", async (t) => {
  const running = await Running.start(t);
  const end = gate();
  const job = running.api.add("k", {}, { timeout_seconds: 0.2 });
  job.ends.push({ outcome: "before" });
  const reasons: unknown[] = [];
  const handler = async (_: unknown, ctx: Context): Promise<string> => {
    ctx.signal.addEventListener("abort", () => reasons.push(ctx.stopReason));
    await end.passed;
    return "too late";
  };
  running.run(running.worker().handle("k", handler));
  await until(() => job.ends.length === 2);
  end.open();
  assert.equal(job.ends[1]?.["error"], "timed out after 0.2 s");
  assert.deepEqual(reasons, ["timed_out"]);
});

test("a cancel is heard, and what the handler does then counts", async (t) => {
  const running = await Running.start(t);
  const jobs = ["throws", "cleans", "passes"].map((kind) => running.api.add(kind));
  let began = 0;
  const told = async (ctx: Context): Promise<void> => {
    began += 1;
    await sleep(20_000, undefined, { signal: ctx.signal });
  };
  const worker = running.worker({ slots: 3 });
  worker.handle("throws", async (_, ctx) => {
    await told(ctx).catch(() => undefined);
    throw new Cancel(`told: ${ctx.isCancelled()}`);
  });
  worker.handle("cleans", (_, ctx) => told(ctx).catch(() => "cleaned up"));
  worker.handle("passes", async (_, ctx) => {
    await told(ctx).catch(() => undefined);
    ctx.signal.throwIfAborted();
  });
  running.run(worker);
  await until(() => began === 3);
  for (const job of jobs) job.cancel = true;
  await until(() => jobs.every(({ ends }) => ends.length > 0));
  assert.deepEqual(jobs.map(({ ends }) => ends[0]?.["outcome"]), ["cancelled", "succeeded", "cancelled"]);
  assert.deepEqual([jobs[0]?.ends[0]?.["error"], jobs[1]?.ends[0]?.["output"]], ["told: true", "cleaned up"]);
});

test("a worker that stops lets handlers end, and gives back the rest", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  const never = gate();
  let began = 0;
  const [ends, back] = [api.add("quick"), api.add("slow")];
  const worker = running.worker({ slots: 2, grace: 1 });
  worker.handle("quick", async (_, ctx) => {
    began += 1;
    await until(() => ctx.isShuttingDown);
    return "in time";
  });
  worker.handle("slow", async () => {
    began += 1;
    await never.passed;
  });
  running.run(worker);
  await until(() => began === 2);
  const waiting = api.add("quick");
  await running.stop();
  never.open();
  const outcomes = [ends, back, waiting].map((job) => job.ends.map(({ outcome }) => outcome));
  assert.deepEqual(outcomes, [["succeeded"], ["released"], []]);
  assert.deepEqual([...api.sessions.values(), waiting.attempt], [false, 0]);
});

test("a drained worker claims nothing until it is not", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  api.isDraining = true;
  running.run(running.worker().handle("k", () => undefined));
  await until(() => api.count("/sessions/heartbeat") > 3 && api.count("/leases") > 0);
  const job = api.add("k");
  await until(() => job.attempt === 1);
  await until(() => job.ends.length > 0);
  const claims = api.count("/leases");
  const beats = api.count("/sessions/heartbeat");
  await until(() => api.count("/sessions/heartbeat") > beats + 3);
  assert.equal(api.count("/leases"), claims);
  const later = api.add("k");
  api.isDraining = false;
  await until(() => later.ends.length > 0);
});

test("a worker that may not open a session says so", async (t) => {
  const running = await Running.start(t);
  running.api.refuse.set("/sessions", { status: 403, detail: "the agent lacks the scope workers:lease" });
  const worker = running.worker().handle("k", () => undefined);
  await assert.rejects(worker.run({ signals: false }), (error) => error instanceof ApiError && error.status === 403);
  assert.throws(() => worker.handle("k", () => undefined), /there is a handler of "k" already/);
});
