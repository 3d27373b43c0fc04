// Steps and waits of a durable handler, as docs/durable.md describes them.

import type { NewJob } from "../answers.js";
import { ApiError } from "../errors.js";
import type { Attempt } from "./attempt.js";
import { Book } from "./book.js";
import { Fatal, Suspended } from "./end.js";
import type { LeaseApi, WaitRequest } from "./lease_api.js";
import { GivenUp, untilAnswered } from "./patience.js";
import { pause } from "./pause.js";
import { Stopped } from "./stop.js";

/** Statuses that another attempt would get as well. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 422]);

export type Decision = "approved" | "rejected";

/** The answer to an approval. */
export interface Approval {
  readonly decision: Decision;
  /** Who answered; null: nobody did in time. */
  readonly by: string | null;
  readonly note: string | null;
  readonly at: string | null;
}

/** What one attempt records and waits for. Each request is repeated until it is answered or the attempt is over. */
export class Durable {
  readonly #attempt: Attempt;
  readonly #api: LeaseApi;
  readonly #book = new Book();
  #reading: Promise<void> | undefined;

  constructor(attempt: Attempt, api: LeaseApi) {
    this.#attempt = attempt;
    this.#api = api;
    // The first attempt finds nothing.
    if (attempt.lease.attempt === 1) this.#reading = Promise.resolve();
  }

  /**
   * The name of the step that the handler asks for now. Called before anything is awaited: the order of the calls decides
   * the numbers of equal names.
   */
  name(name: string): string {
    return this.#book.name(name);
  }

  /** What was recorded under this name; all names are read at the first question. */
  async recorded(step: string): Promise<{ readonly result: unknown } | undefined> {
    this.#mustCount();
    this.#reading ??= this.#read(step);
    await this.#reading;
    return this.#book.find(step);
  }

  async #read(step: string): Promise<void> {
    try {
      const steps = await this.#ask(step, () => this.#api.steps(this.#attempt.lease.token));
      for (const { name, result } of steps) this.#book.add(name, result);
    } catch (error) {
      // The next question asks again.
      this.#reading = undefined;
      throw error;
    }
  }

  /**
   * Records the result of a step. The answer is what later attempts get: JSON, so that a handler does not see a `Date` in
   * its first attempt and a text in the next.
   */
  async record(step: string, value: unknown, ranSeconds: number): Promise<unknown> {
    const result = json(step, value);
    const answer = await this.#ask(step, () => this.#api.record(this.#attempt.lease.token, step, result, ranSeconds));
    const kept = answer.recorded ? result : answer.result;
    this.#book.add(step, kept);
    return kept;
  }

  /** Enqueues a job, and records its id as the step, in one commit. */
  async enqueue(step: string, job: NewJob): Promise<string> {
    const id = await this.#ask(step, () => this.#api.enqueue(this.#attempt.lease.token, step, job));
    this.#book.add(step, id);
    return id;
  }

  /** The result of a wait that is over; else it throws what ends the attempt. */
  async wait(step: string, wait: WaitRequest): Promise<unknown> {
    const answer = await this.#ask(step, () => this.#api.wait(this.#attempt.lease.token, step, wait));
    if (!answer.over) {
      this.#attempt.suspended = new Suspended(answer.seconds);
      throw this.#attempt.suspended;
    }
    this.#book.add(step, answer.result);
    return answer.result;
  }

  async saveCheckpoint(data: unknown): Promise<void> {
    const kept = json("checkpoint", data);
    await this.#ask("checkpoint", () => this.#api.checkpoint(this.#attempt.lease.token, kept));
  }

  /** The newest parameters. The first question is asked of the API; after it, heartbeats tell. */
  async parameters(): Promise<unknown> {
    if (!this.#attempt.askedForParameters) {
      const { n, value } = await this.#ask("parameters", () => this.#api.parameters(this.#attempt.lease.token));
      this.#attempt.give(n, value);
      this.#attempt.askedForParameters = true;
    }
    return this.#attempt.parameters.value;
  }

  /** Throws if nothing that the handler does counts any more. */
  #mustCount(): void {
    const { counts, order, suspended } = this.#attempt;
    if (!counts) throw new Stopped(order ?? "cancelled");
    // It caught what the wait threw, and must not do more in an attempt that is over.
    if (suspended !== undefined) throw suspended;
  }

  async #ask<T>(step: string, request: () => Promise<T>): Promise<T> {
    this.#mustCount();
    const { session } = this.#attempt;
    const goesOn = async (milliseconds: number): Promise<boolean> => {
      await pause(milliseconds, session.over);
      return this.#attempt.counts && session.holds();
    };
    try {
      return await untilAnswered(`record step ${JSON.stringify(step)}`, session.log, request, goesOn);
    } catch (error) {
      if (error instanceof GivenUp) this.#mustCount();
      if (error instanceof ApiError && error.reason === "lease_lost") {
        this.#attempt.stop("lease_lost");
        throw new Stopped("lease_lost");
      }
      if (error instanceof ApiError && REFUSED.has(error.status)) {
        throw new Fatal(`step ${JSON.stringify(step)}`, { cause: error });
      }
      throw error;
    }
  }
}

/** A value as it comes back from JSON; nothing is null there. */
function json(step: string, value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value ?? null));
  } catch (error) {
    throw new Fatal(`step ${JSON.stringify(step)}: its result cannot be written as JSON`, { cause: error });
  }
}
