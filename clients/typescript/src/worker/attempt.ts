// One attempt of a job, from its lease to its end.

import { now } from "./clock.js";
import { type End, stopped, type Suspended } from "./end.js";
import type { Lease } from "./lease.js";
import { Reports } from "./reports.js";
import type { Session } from "./session.js";
import { CANCEL_GRACE, outweighs, Stopped, type StopReason } from "./stop.js";

/**
 * It ends once, by what comes first: the handler's end, or an order to stop that outweighs it. The handler may go on after
 * that, and holds its slot until it ends; what it returns then is ignored.
 */
export class Attempt {
  readonly started = now();
  isShuttingDown = false;
  readonly reports: Reports;
  /** The newest parameters that the job was given, and which of the job's they are. */
  parameters: { readonly n: number; readonly value: unknown } = { n: 0, value: null };
  askedForParameters = false;
  /** The wait that ends the attempt, once its handler has ended. */
  suspended: Suspended | undefined;
  readonly #abort = new AbortController();
  #order: StopReason | undefined;
  #ended = false;
  #graceEnds: number | undefined;

  constructor(
    readonly lease: Lease,
    readonly session: Session,
    readonly settle: (attempt: Attempt, end: End, ranSeconds: number) => void,
    /** Seconds. */
    readonly limit: number,
  ) {
    this.reports = new Reports(lease.token);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get order(): StopReason | undefined {
    return this.#order;
  }

  /** When its time limit is over, by the worker's clock. */
  get deadline(): number {
    return this.started + this.limit * 1000;
  }

  /** Whether anything that its handler does still counts. */
  get counts(): boolean {
    return !this.#ended;
  }

  /** The handler has ended so. */
  finish(end: End): void {
    if (!this.#ended) this.#end(end);
  }

  /** Orders it to stop. All but a cancel end the attempt here and now. */
  stop(reason: StopReason): void {
    if (this.#ended || !outweighs(reason, this.#order)) return;
    this.#order = reason;
    if (reason === "cancelled") this.#graceEnds = now() + CANCEL_GRACE;
    else this.#end(stopped(reason, this.limit));
    // Listeners are the handler's: what they throw is theirs, and the signal keeps it from coming here.
    this.#abort.abort(new Stopped(reason));
  }

  /** Parameters came; those that are older than the known ones are late. */
  give(n: number, value: unknown): void {
    if (n > this.parameters.n) this.parameters = { n, value };
  }

  /** Stops it if its time, or the grace of its cancel, is over. */
  look(at: number): void {
    if (at >= this.deadline) this.stop("timed_out");
    if (this.#graceEnds !== undefined && at >= this.#graceEnds) this.finish({ outcome: "cancelled", error: "cancelled" });
  }

  #end(end: End | undefined): void {
    this.#ended = true;
    if (end === undefined) this.session.leave(this.lease.token);
    else this.settle(this, end, (now() - this.started) / 1000);
  }
}
