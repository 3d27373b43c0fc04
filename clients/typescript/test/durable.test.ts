// Steps and waits against the API in memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Retry } from "../src/index.js";
import { until } from "./fake_api.js";
import { gate, Running } from "./running.js";

test("a step that was recorded does not run again", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  const ran: string[] = [];
  const job = api.add("k");
  api.lose.set("/leases/steps", 1);
  const worker = running.worker().handle("k", async (_, ctx) => {
    const results: unknown[] = [];
    for (const name of ["a", "b"]) {
      results.push(await ctx.step("mail", () => [ran.push(name), new Date(0)]));
    }
    results.push(await ctx.enqueue("child", "other", { n: 1 }, { queue: "q" }));
    await ctx.checkpoint({ at: ctx.attempt });
    if (ctx.attempt === 1) throw new Retry("once more");
    return [results, ctx.savedCheckpoint];
  });
  running.run(worker);
  await until(() => job.ends.length === 2);
  assert.deepEqual(ran, ["a", "b"]);
  assert.deepEqual([...job.steps.keys()], ["mail", "mail#2", "child"]);
  const epoch = "1970-01-01T00:00:00.000Z";
  assert.deepEqual(job.ends[1]?.["output"], [[[1, epoch], [2, epoch], "child of child"], { at: 2 }]);
  assert.equal(api.count("/leases/steps/list"), 1, "the first attempt has nothing to read");
  const { name, job: enqueued } = api.bodies("/leases/enqueue")[0] ?? {};
  assert.deepEqual([name, enqueued], ["child", { kind: "other", args: { n: 1 }, queue: "q" }]);
});

test("steps are numbered in the order of the calls, and give what later attempts get", async (t) => {
  const running = await Running.start(t);
  const job = running.api.add("k");
  const worker = running.worker().handle("k", async (_, ctx) => {
    const work = (n: number) => async () => (await sleep(20 * (3 - n)), n);
    const found = await Promise.all([0, 1, 2].map((n) => ctx.step("n", work(n))));
    const date: unknown = await ctx.step("date", () => new Date(0));
    if (ctx.attempt === 1) throw new Retry(typeof date);
    return found;
  });
  running.run(worker);
  await until(() => job.ends.length === 2);
  assert.deepEqual(job.ends[0]?.["error"], "string");
  assert.deepEqual(job.ends[1]?.["output"], [0, 1, 2]);
  assert.deepEqual([job.steps.get("n"), job.steps.get("n#2"), job.steps.get("n#3")], [0, 1, 2]);
});

test("waits end the attempt, also where the handler catches them, and their answers go on", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  const went: string[] = [];
  const jobs = [api.add("lets it pass"), api.add("catches")];
  const worker = running.worker();
  worker.handle("lets it pass", async (_, ctx) => {
    await ctx.sleep("a while", 60);
    const event = await ctx.waitFor("paid", "orders.paid", { key: "7", timeout: 60 });
    const { decision } = await ctx.approval("ship", "Ship it?", { within: 60 });
    return [event, await ctx.waitForJob("child-1"), decision];
  });
  worker.handle("catches", async (_, ctx) => {
    try {
      await ctx.sleep("a while", 60);
    } catch {
      await ctx.step("after", () => went.push("on")).catch(() => went.push("no further"));
    }
    return "caught";
  });
  running.run(worker);
  await until(() => jobs.every(({ ends }) => ends.length > 0));
  for (const { ends } of jobs) assert.deepEqual([ends[0]?.["outcome"], ends[0]?.["after_seconds"]], ["waiting", 12.5]);
  assert.deepEqual(went, ["no further"]);
  api.answersToWaits.set("a while", null);
  api.answersToWaits.set("paid", { n: 1, topic: "orders.paid", key: "7", payload: { sum: 3 } });
  api.answersToWaits.set("end of child-1", { outcome: "succeeded" });
  api.answersToWaits.set("ship", { decision: "rejected", by: null, note: null, at: null });
  for (const job of jobs) job.isWaiting = true;
  await until(() => jobs.every(({ ends }) => ends.length === 2));
  assert.deepEqual(jobs[0]?.ends[1]?.["output"], [{ sum: 3 }, "succeeded", "rejected"]);
  assert.equal(jobs[1]?.ends[1]?.["output"], "caught");
  const { kind, topic, key, seconds } = api.bodies("/leases/waits").find(({ name }) => name === "paid") ?? {};
  assert.deepEqual([kind, topic, key, seconds], ["event", "orders.paid", "7", 60]);
});

test("a step after the lease was lost stops the handler", async (t) => {
  const running = await Running.start(t);
  const { api } = running;
  api.heartbeat = 60;
  const lost = gate();
  const went: string[] = [];
  const job = api.add("k");
  const worker = running.worker({ slots: 1 }).handle("k", async (_, ctx) => {
    if (ctx.attempt > 1) return "elsewhere";
    went.push("began");
    await lost.passed;
    await ctx.step("too late", () => 1);
    return went.push("after");
  });
  running.run(worker);
  await until(() => went.length > 0);
  job.token = undefined;
  job.isWaiting = true;
  lost.open();
  await until(() => job.ends.length > 0);
  assert.deepEqual([went, job.ends.map(({ output }) => output)], [["began"], ["elsewhere"]]);
});

test("what no retry can mend buries the job", async (t) => {
  const running = await Running.start(t);
  const jobs = [running.api.add("name"), running.api.add("json")];
  const worker = running.worker();
  worker.handle("name", (_, ctx) => ctx.step("a#2", () => 1));
  worker.handle("json", (_, ctx) => ctx.step("a", () => 1n));
  running.run(worker);
  await until(() => jobs.every(({ ends }) => ends.length > 0));
  assert.deepEqual(jobs.map(({ ends }) => ends[0]?.["outcome"]), ["dead", "dead"]);
  assert.match(jobs[0]?.ends[0]?.["error"] ?? "", /must not contain #/);
  assert.match(jobs[1]?.ends[0]?.["error"] ?? "", /cannot be written as JSON/);
});
