// What a handler knows of its job, and what it can ask for.

import type { JobOptions } from "../answers.js";
import type { Attempt } from "./attempt.js";
import { now } from "./clock.js";
import { type Approval, type Decision, Durable } from "./durable.js";
import { Fatal } from "./end.js";
import type { Lease } from "./lease.js";
import type { LeaseApi, WaitRequest } from "./lease_api.js";
import type { Reporter } from "./reporter.js";
import type { LogLevel, Reports } from "./reports.js";
import type { StopReason } from "./stop.js";

/**
 * Times are seconds. A wait (`sleep`, `waitFor`, `waitForJob`, `approval`) throws until it is over; let that pass. Once
 * nothing that the handler does counts any more, these calls throw too.
 */
export class Context {
  readonly #attempt: Attempt;
  readonly #durable: Durable;
  readonly #reporter: Reporter;
  #saved: unknown;

  constructor(attempt: Attempt, api: LeaseApi, reporter: Reporter) {
    this.#attempt = attempt;
    this.#reporter = reporter;
    this.#durable = new Durable(attempt, api);
    this.#saved = attempt.lease.checkpoint;
  }

  /** Everything that the API says of the job. */
  get lease(): Lease {
    return this.#attempt.lease;
  }

  get jobId(): string {
    return this.lease.job_id;
  }

  /** The number of this attempt, from 1. Numbers may be missing, and none comes twice. */
  get attempt(): number {
    return this.lease.attempt;
  }

  /** The number of attempts that have failed. */
  get failures(): number {
    return this.lease.failures;
  }

  get kind(): string {
    return this.lease.kind;
  }

  get queue(): string {
    return this.lease.queue;
  }

  get tags(): readonly string[] {
    return this.lease.tags;
  }

  get tenant(): string | null {
    return this.lease.tenant;
  }

  /** When the attempt's time limit is over. */
  get deadline(): Date {
    return new Date(Date.now() + this.#attempt.deadline - now());
  }

  /** Aborted when the handler must stop, for the reason that `stopReason` gives. Pass it on to `fetch` and others. */
  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  /** Whether the handler must stop now: for code that computes in a loop. */
  isCancelled(): boolean {
    return this.signal.aborted;
  }

  get stopReason(): StopReason | undefined {
    return this.#attempt.order;
  }

  /** Whether the worker has begun to stop: the handler may go on for the worker's grace. */
  get isShuttingDown(): boolean {
    return this.#attempt.isShuttingDown;
  }

  /** What the job saved last with `checkpoint`; nothing yet: undefined or null. */
  get savedCheckpoint(): unknown {
    return this.#saved;
  }

  /**
   * Says how far the job has come, from 0 to 100, and what it is at. It costs nothing to say it for each row: it is
   * written once a second at most.
   */
  progress(percent: number, note = ""): void {
    this.#report((said) => said.progress(percent, note));
  }

  /** Adds to the job's counter, which begins at 0 in each attempt. */
  advance(by = 1): void {
    this.#report((said) => said.advance(by));
  }

  /** Adds a line to the job's log: 1,000 lines and 64 KiB of an attempt are kept. */
  log(line: string, level: LogLevel = "info"): void {
    this.#report((said) => said.log(line, level));
  }

  /** Adds to the text that the attempt puts out while it runs: 1 MiB of an attempt is kept. */
  stream(chunk: string): void {
    this.#report((said) => said.stream(chunk));
  }

  /**
   * The newest parameters that the job was given after it was enqueued; null: none. Ask again: a heartbeat may have
   * brought others. Only the first question waits for the API.
   */
  async parameters<T = unknown>(): Promise<T | null> {
    return (await this.#durable.parameters()) as T | null;
  }

  /** Keeps a value for the next attempt, 16 KiB of JSON at most; a later call replaces it. */
  async checkpoint(data: unknown): Promise<void> {
    await this.#durable.saveCheckpoint(data);
    this.#saved = data;
  }

  /**
   * Does something once: `work` runs, and its result is recorded under the name as JSON; later attempts of the job get the
   * result, and do not run it. What `work` throws is thrown, and nothing is recorded.
   */
  async step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const step = this.#durable.name(name);
    const found = await this.#durable.recorded(step);
    if (found !== undefined) return found.result as T;
    const began = now();
    const value = await work();
    return (await this.#durable.record(step, value, (now() - began) / 1000)) as T;
  }

  /** Enqueues a job once, as a step: its id, or that of the job that holds its unique key. */
  async enqueue(name: string, kind: string, args: unknown = {}, options: JobOptions = {}): Promise<string> {
    const step = this.#durable.name(name);
    const found = await this.#durable.recorded(step);
    return found === undefined ? this.#durable.enqueue(step, { kind, args, ...options }) : (found.result as string);
  }

  /** Ends the attempt, and goes on here when the time is over, counted from when the job first came here. */
  async sleep(name: string, seconds: number): Promise<void> {
    await this.#wait(name, { kind: "sleep", seconds });
  }

  /**
   * Ends the attempt, and goes on with the payload of an event of the topic and the key; undefined: none came in time. An
   * empty key waits for events without one.
   */
  async waitFor<T = unknown>(
    name: string,
    topic: string,
    options: { readonly key?: string; readonly timeout?: number } = {},
  ): Promise<T | undefined> {
    const { key = "", timeout } = options;
    const result = await this.#wait(name, { kind: "event", topic, key, ...limit(timeout) });
    return result === null ? undefined : (result as { payload: T }).payload;
  }

  /** Ends the attempt, and goes on when another job has ended, with its outcome; undefined: it had not in time. */
  async waitForJob(jobId: string, options: { readonly timeout?: number } = {}): Promise<string | undefined> {
    const result = await this.#wait(`end of ${jobId}`, { kind: "job", job_id: jobId, ...limit(options.timeout) });
    if (result === null) return undefined;
    const { outcome } = result as { outcome: string };
    if (outcome === "unknown") throw new Fatal(`there is no job ${jobId}`);
    return outcome;
  }

  /** Asks people, ends the attempt, and goes on with their answer; with `orElse` if nobody answers in time. */
  async approval(
    name: string,
    question: string,
    options: { readonly within?: number; readonly orElse?: Decision } = {},
  ): Promise<Approval> {
    const fallback = options.orElse ?? "rejected";
    return (await this.#wait(name, { kind: "approval", question, fallback, ...limit(options.within) })) as Approval;
  }

  #report(say: (said: Reports) => void): void {
    say(this.#attempt.reports);
    this.#reporter.has(this.#attempt.reports);
  }

  async #wait(name: string, wait: WaitRequest): Promise<unknown> {
    const step = this.#durable.name(name);
    const found = await this.#durable.recorded(step);
    return found === undefined ? this.#durable.wait(step, wait) : found.result;
  }
}

function limit(seconds: number | undefined): { seconds?: number } {
  return seconds === undefined ? {} : { seconds };
}
