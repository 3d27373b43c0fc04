// A worker as a process, which tells on standard output what happens to it. clients/python has the same, and its tests run
// both against the real API.

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "../src/index.js";

const { JOBS_URL: url = "", JOBS_TOKEN: token = "", QUEUE: queue = "", NAME: name = "", LEASE } = process.env;

function tell(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

const worker = new Worker({ url, token, queues: [queue], name, slots: 2, lease: Number(LEASE), grace: 2 });

// Hangs in attempts up to the one that is named, until it is told to stop.
worker.handle<{ until: number }>("hang", async ({ until }, ctx) => {
  tell({ began: ctx.jobId, attempt: ctx.attempt, token: ctx.lease.token });
  if (ctx.attempt <= until) {
    await once(ctx.signal, "abort");
    tell({ stopped: ctx.stopReason, attempt: ctx.attempt });
  }
  return { by: name, attempt: ctx.attempt };
});

worker.handle<{ seconds: number }>("nap", async ({ seconds }, ctx) => {
  await sleep(seconds * 1000, undefined, { signal: ctx.signal });
  return "rested";
});

// Says everything that a handler can say, and goes on until it is given parameters.
worker.handle(
  "talk",
  async (_, ctx) => {
    ctx.log("began");
    ctx.progress(25, "talking");
    ctx.advance(3);
    ctx.stream("once upon ");
    let given = await ctx.parameters();
    for (; given === null; given = await ctx.parameters()) await sleep(20);
    ctx.stream("a time");
    ctx.log("was told", "warn");
    return given;
  },
  undefined,
  { stallsAfter: 60 },
);

// Durable work: each of its steps runs once, over all attempts.
worker.handle<{ order: string }>("order", async ({ order }, ctx) => {
  const receipt = await ctx.step("charge", () => {
    tell({ charged: ctx.jobId });
    return "r-1";
  });
  await ctx.sleep("a moment", 0.2);
  const child = await ctx.enqueue("child", "nap", { seconds: 0 }, { queue });
  const ended = await ctx.waitForJob(child, { timeout: 60 });
  const event = await ctx.waitFor("packed", "parcels.packed", { key: order, timeout: 60 });
  const { decision, note } = await ctx.approval("ship", "Ship it?", { within: 60 });
  return [receipt, ended, event, decision, note, ctx.attempt > 1];
});

await worker.run();
tell({ ended: true });
