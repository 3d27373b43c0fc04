// The thread that renews the leases, so that a handler that blocks the main thread does not stop it.

import { parentPort, workerData } from "node:worker_threads";
import { delay } from "../backoff.js";
import { now, Validity } from "./clock.js";
import { type Beat, isSessionDead, LeaseApi } from "./lease_api.js";
import type { Change } from "./session.js";

/** What it begins with. */
export interface HeartbeatData {
  readonly url: string;
  readonly token: string;
  readonly session: string;
  readonly leaseSeconds: number;
  readonly heartbeatSeconds: number;
  readonly memory: SharedArrayBuffer;
}

/** What it tells the main thread. */
export type HeartbeatReport = { readonly beat: Beat } | { readonly failed: string } | { readonly dead: string };

async function run(data: HeartbeatData): Promise<void> {
  const validity = new Validity(data.memory);
  const api = new LeaseApi({ url: data.url, token: data.token });
  const running = new Set<string>();
  let answered = 0;
  parentPort?.on("message", (change: Change) => {
    if ("leave" in change) {
      running.delete(change.leave);
    } else {
      for (const token of change.enter) running.add(token);
      answered = Math.max(answered, change.answered);
    }
  });
  const report = (message: HeartbeatReport): void => parentPort?.postMessage(message);
  // A connection that hangs must leave the lease room for other tries.
  const patience = Math.max(1_000, (data.leaseSeconds * 1000) / 6);
  let failures = 0;
  let pause = data.heartbeatSeconds * 1000;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (!validity.holds()) return report({ dead: "no heartbeat has succeeded for almost a lease" });
    const sentAt = now();
    try {
      const beat = await api.heartbeat(data.session, [...running], answered, patience);
      validity.renew(sentAt, beat.lease_seconds);
      report({ beat });
      failures = 0;
      pause = data.heartbeatSeconds * 1000;
    } catch (error) {
      if (isSessionDead(error)) {
        validity.end();
        return report({ dead: "its API says that it is dead" });
      }
      failures += 1;
      if (failures % 10 === 1) report({ failed: `${failures} in a row: ${String(error)}` });
      pause = Math.min(delay(failures, Math.random()), patience);
    }
  }
}

await run(workerData as HeartbeatData);
parentPort?.close();
