// Functions that run jobs of a kind.

import type { Attempt } from "./attempt.js";
import { Context } from "./context.js";
import { Cancel, type End, Fatal, Retry, returned, Snooze, Suspended, thrown, Unavailable } from "./end.js";
import type { LeaseApi } from "./lease_api.js";
import type { Reporter } from "./reporter.js";
import { Stopped } from "./stop.js";

/** Runs a job. What it returns is the output of the run, 64 KiB of JSON at most. */
export type HandlerFunction<Args> = (args: Args, ctx: Context) => unknown;

/** A function and how it takes its arguments. */
export interface Handler {
  readonly run: (args: unknown, ctx: Context) => unknown;
  /** Seconds after which a job is stalled whose progress does not change. */
  readonly stallsAfter?: number | undefined;
  readonly cancelStalled?: boolean | undefined;
}

/** What handlers throw to say something; all else is logged with where it came from. */
const ANSWERS = [Retry, Snooze, Cancel, Fatal, Suspended, Unavailable, Stopped];

/** Runs the handler of an attempt to its end. */
export async function runHandler(
  handler: Handler | undefined,
  attempt: Attempt,
  api: LeaseApi,
  reporter: Reporter,
): Promise<void> {
  if (handler?.stallsAfter !== undefined) {
    attempt.reports.watch(handler.stallsAfter, handler.cancelStalled ?? false);
    reporter.has(attempt.reports);
  }
  attempt.finish(await ended(handler, attempt, new Context(attempt, api, reporter)));
}

async function ended(handler: Handler | undefined, attempt: Attempt, ctx: Context): Promise<End> {
  if (handler === undefined) return { outcome: "failed", error: "this worker has no handler for this kind" };
  let end: End;
  try {
    end = returned(await handler.run(attempt.lease.args, ctx));
  } catch (error) {
    // A handler that passes on what the signal of a cancel threw has done what it was asked for.
    if (error instanceof Stopped && error.reason === "cancelled") return { outcome: "cancelled", error: "cancelled" };
    const { kind, job_id, attempt: number } = attempt.lease;
    if (attempt.counts && attempt.suspended === undefined && !ANSWERS.some((answer) => error instanceof answer)) {
      attempt.session.log.warn(`job ${job_id} attempt ${number} (${kind}) failed`, error);
    }
    end = thrown(error);
  }
  return attempt.suspended === undefined ? end : thrown(attempt.suspended);
}
