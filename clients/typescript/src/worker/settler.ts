// Tells the API how attempts ended.

import { ApiError } from "../errors.js";
import type { Attempt } from "./attempt.js";
import { type End, written } from "./end.js";
import type { LeaseApi, Settled } from "./lease_api.js";
import type { Log } from "./log.js";
import { GivenUp, untilAnswered } from "./patience.js";
import type { Reporter } from "./reporter.js";

const MOST_ENDS = 1000;

/** Characters of a batch; the API takes several times as much. */
const MOST_CHARS = 768 * 1024;

interface Ended {
  readonly attempt: Attempt;
  readonly text: string;
  /** The API refused the first end: this one says so. */
  readonly isSecond: boolean;
}

/**
 * Ends that come while a request is under way go together in the next one. A batch is repeated until it is answered or its
 * session is lost; a token's end is written once, so a repeat does no harm.
 */
export class Settler {
  #waiting: Ended[] = [];
  #isBusy = false;
  #idle: (() => void)[] = [];

  constructor(
    readonly api: LeaseApi,
    readonly reporter: Reporter,
    readonly log: Log,
    /** Waits, and says whether the worker goes on. */
    readonly pause: (milliseconds: number) => Promise<boolean>,
  ) {}

  readonly add = (attempt: Attempt, end: End, ranSeconds: number): void => {
    this.#put({ attempt, text: written(end, attempt.lease.token, ranSeconds), isSecond: false });
  };

  /** Waits until everything is answered; false: it was not in this time. */
  async flush(milliseconds: number): Promise<boolean> {
    if (!this.#isBusy) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  #put(ended: Ended): void {
    this.#waiting.push(ended);
    if (this.#isBusy) return;
    this.#isBusy = true;
    // Not at once: ends of the same turn of the loop go together.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#settle(this.#next());
    this.#isBusy = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #next(): Ended[] {
    let chars = 0;
    let count = 0;
    for (const { text } of this.#waiting) {
      chars += text.length + 1;
      if (count > 0 && (chars > MOST_CHARS || count === MOST_ENDS)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #settle(all: readonly Ended[]): Promise<void> {
    // Those of a lost session would be refused, and may be of a job that runs elsewhere.
    const batch = all.filter(({ attempt }) => attempt.session.holds());
    if (batch.length === 0) return;
    // Before the ends, with which the leases are gone.
    await this.reporter.writeNow(batch.map(({ attempt }) => attempt.reports));
    const texts = batch.map(({ text }) => text);
    const pause = async (milliseconds: number): Promise<boolean> =>
      (await this.pause(milliseconds)) && batch.some(({ attempt }) => attempt.session.holds());
    let tries = 0;
    try {
      const send = (n: number): Promise<Settled[]> => this.api.settle(((tries = n), texts));
      const answers = await untilAnswered("settle jobs", this.log, send, pause);
      batch.forEach((ended, n) => this.#answered(ended, answers[n], tries > 1));
    } catch (error) {
      if (error instanceof GivenUp) this.log.warn(`${error.message}; the API takes these jobs back`);
      else if (error instanceof ApiError) await this.#apart(batch, error);
      else this.#forget(batch, error);
    }
  }

  /** One end must not hold up those that it came with. */
  async #apart(batch: readonly Ended[], error: ApiError): Promise<void> {
    const [only, ...others] = batch;
    if (only === undefined) return;
    if (others.length > 0) {
      for (const ended of batch) await this.#settle([ended]);
    } else if (error.status === 401 || error.status === 403) {
      this.log.error(`could not settle job ${only.attempt.lease.job_id}: ${error.message}`);
      only.attempt.session.die("the API refuses the worker");
    } else {
      this.#refused(only, error.message);
    }
  }

  #answered(ended: Ended, answer: Settled | undefined, wasRepeated: boolean): void {
    const { lease, session } = ended.attempt;
    if (answer?.status === "refused") return this.#refused(ended, answer.reason ?? "");
    session.leave(lease.token);
    // The first try of a repeated request may have been written, and its answer lost.
    if (answer?.status === "lease_lost" && !wasRepeated) {
      this.log.warn(`job ${lease.job_id} attempt ${lease.attempt} ended after its lease`);
    }
  }

  /** An end that the API cannot accept buries the job: another attempt would end in the same way. */
  #refused(ended: Ended, reason: string): void {
    const { lease, session } = ended.attempt;
    this.log.error(`the end of job ${lease.job_id} attempt ${lease.attempt} was refused: ${reason}`);
    if (ended.isSecond) return session.leave(lease.token);
    const end: End = { outcome: "dead", error: `the end of the attempt was refused: ${reason}` };
    this.#put({ attempt: ended.attempt, text: written(end, lease.token, 0), isSecond: true });
  }

  /** An answer that cannot be read. The next heartbeat does not name these, so they are given back. */
  #forget(batch: readonly Ended[], error: unknown): void {
    this.log.error(`could not settle ${batch.length} jobs`, error);
    for (const { attempt } of batch) attempt.session.leave(attempt.lease.token);
  }
}
