// The order to stop an attempt before its handler has ended by itself.

/** Milliseconds that the handler of a cancelled job has to clean up. */
export const CANCEL_GRACE = 5_000;

/**
 * Why a handler must stop now. A later one outweighs an earlier one.
 *
 * - `cancelled`: the job was cancelled; the handler has five seconds to clean up, and what it returns counts.
 * - `timed_out`: the job's time limit is over; the attempt fails, whatever the handler returns.
 * - `shutdown`: the worker stops and its grace is over; the job is given back, whatever the handler returns.
 * - `lease_lost`: another attempt may own the job by now; nothing that the handler returns is written.
 */
export type StopReason = "cancelled" | "timed_out" | "shutdown" | "lease_lost";

const WEIGHT: Record<StopReason, number> = { cancelled: 1, timed_out: 2, shutdown: 3, lease_lost: 4 };

export function outweighs(reason: StopReason, earlier: StopReason | undefined): boolean {
  return earlier === undefined || WEIGHT[reason] > WEIGHT[earlier];
}

/** What `ctx.signal` is aborted with, and what calls of a context throw once nothing that the handler does counts. */
export class Stopped extends Error {
  override readonly name = "Stopped";

  constructor(readonly reason: StopReason) {
    super(`the attempt must stop: ${reason}`);
  }
}
