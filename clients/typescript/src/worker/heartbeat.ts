// The main thread's end of the heartbeat.

import { Worker as Thread } from "node:worker_threads";
import type { Connection } from "../http.js";
import type { HeartbeatData, HeartbeatReport } from "./heartbeat_thread.js";
import type { Beat } from "./lease_api.js";
import type { Session } from "./session.js";

/** Renews the leases of a session until it is over. */
export function startHeartbeat(connection: Connection, session: Session): void {
  const data: HeartbeatData = {
    url: connection.url,
    token: connection.token,
    session: session.id,
    leaseSeconds: session.leaseSeconds,
    heartbeatSeconds: session.heartbeatSeconds,
    memory: session.validity.memory,
  };
  const thread = new Thread(new URL("./heartbeat_thread.js", import.meta.url), { workerData: data });
  session.changed = (change) => thread.postMessage(change);
  thread.on("message", (report: HeartbeatReport) => {
    if ("dead" in report) session.die(report.dead);
    else if ("failed" in report) session.log.warn(`heartbeat of session ${session.id} failed, ${report.failed}`);
    else obey(session, report.beat);
  });
  thread.on("error", (error) => {
    session.log.error("the thread of the heartbeat failed", error);
    session.die("its heartbeat ended");
  });
  session.over.addEventListener("abort", () => void thread.terminate());
}

/** What a heartbeat says of the attempts. */
function obey(session: Session, beat: Beat): void {
  for (const given of beat.parameters ?? []) session.find(given)?.give(given.n, given.value);
  for (const named of beat.cancel ?? []) session.find(named)?.stop("cancelled");
  for (const named of beat.lost ?? []) {
    const attempt = session.find(named);
    attempt?.stop("lease_lost");
    // Also if it had ended: its end will not be accepted.
    if (attempt !== undefined) session.leave(attempt.lease.token);
  }
  session.isDraining = beat.drain ?? false;
}
