// A handler that blocks the main thread. The API is in another process: in this one it would be blocked too.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "../src/index.js";

interface Report {
  readonly url?: string;
  readonly beats?: number;
  readonly ends?: unknown[];
}

test("a blocked main thread does not stop the heartbeat", async (t) => {
  const api = fork(fileURLToPath(new URL("./blocked_api.js", import.meta.url)));
  t.after(() => api.kill());
  const reports: Report[] = [];
  api.on("message", (report: Report) => reports.push(report));
  await once(api, "message");
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const worker = new Worker({ url: reports[0]?.url ?? "", token: "token", log });
  // The lease is a second.
  worker.handle("block", () => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, 2_500);
    return "done";
  });
  const ended = worker.run({ signals: false });
  while (reports.length < 2) await once(api, "message");
  worker.stop();
  await ended;
  assert.deepEqual(reports[1]?.ends, ["succeeded"]);
  assert.ok((reports[1]?.beats ?? 0) >= 10, `${reports[1]?.beats} heartbeats came while it was blocked`);
});
