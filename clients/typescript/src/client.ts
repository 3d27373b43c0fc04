// A producer.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Enqueued, Job, JobFilter, JobOptions, JobPage, JobSummary, NewJob, Published, Result } from "./answers.js";
import { delay, REPEATED } from "./backoff.js";
import { ApiError, NoAnswer, ResultTimeout, Unreachable } from "./errors.js";
import { type Answer, type Connection, type Request, segment, send } from "./http.js";

/** Seconds that one request for a result waits: less than proxies do for an answer. */
const LONGEST_WAIT = 30;

export interface ClientOptions extends Connection {
  /** Seconds until a request counts as not answered; 15 if not given. */
  readonly timeout?: number;
  /** Seconds for which a request is repeated; 30 if not given. */
  readonly patience?: number;
}

export interface Idempotent {
  /** The key under which the API carries the request out once; made for each call if not given. */
  readonly idempotencyKey?: string;
}

/**
 * Enqueues jobs and looks at them.
 *
 * Requests that meet a broken connection, a full queue (429) or an API that cannot reach Postgres (503) are sent again.
 * Each POST carries an `Idempotency-Key`, so that one whose answer was lost is still carried out once. Give
 * `idempotencyKey` yourself where the program itself may die and ask again.
 */
export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    // A URL that cannot be one is said here, and not taken for an API that is away.
    new URL(options.url);
    this.#options = options;
  }

  /** Enqueues a job. */
  async enqueue(kind: string, args: unknown = {}, options: JobOptions & Idempotent = {}): Promise<Enqueued> {
    const { idempotencyKey, ...rest } = options;
    return enqueued(await this.#post("/jobs", { kind, args, ...rest }, idempotencyKey));
  }

  /** Enqueues up to 10,000 jobs in one transaction: all of them, or none. */
  async enqueueMany(jobs: readonly NewJob[], options: Idempotent = {}): Promise<Enqueued[]> {
    const answer = (await this.#post("/jobs", jobs, options.idempotencyKey)) as { jobs: unknown[] };
    return answer.jobs.map(enqueued);
  }

  /** A job, with its last attempts. */
  async job(id: string): Promise<Job> {
    return (await this.#get(`/jobs/${segment(id)}`)).document as Job;
  }

  /** Jobs to which everything applies that is named, the newest first; pages are fetched as they are needed. */
  async *jobs(filter: JobFilter = {}): AsyncGenerator<JobSummary, void, undefined> {
    const { args, ...named } = filter;
    const query: Record<string, string> = {};
    for (const [name, value] of Object.entries(named)) if (value !== undefined) query[name] = String(value);
    for (const [path, value] of Object.entries(args ?? {})) query[`args.${path}`] = JSON.stringify(value);
    // The other parameter would turn back.
    const cursor = filter.sort === "created_at" ? "after" : "before";
    for (;;) {
      const page = (await this.#get("/jobs", query)).document as JobPage;
      yield* page.jobs;
      if (page.next === null) return;
      query[cursor] = page.next;
    }
  }

  /** Cancels a job: `now` if it waited, `asked` if it runs and its handler has been told. */
  async cancel(id: string, options: Idempotent = {}): Promise<"now" | "asked"> {
    const answer = await this.#post(`/jobs/${segment(id)}/cancel`, {}, options.idempotencyKey);
    return (answer as { cancelled: "now" | "asked" }).cancelled;
  }

  /** Sends a dead job back to its queue. */
  async requeue(id: string, options: Idempotent = {}): Promise<void> {
    await this.#post(`/dead/${segment(id)}/requeue`, {}, options.idempotencyKey);
  }

  /**
   * Publishes an event: tasks of the topic make jobs, and jobs that wait for the topic and the key go on. The same
   * `eventId` of a topic a second time does nothing.
   */
  async publish(
    topic: string,
    payload: unknown = null,
    options: Idempotent & { readonly key?: string; readonly eventId?: string } = {},
  ): Promise<Published> {
    const { key, eventId, idempotencyKey } = options;
    const body = { id: eventId ?? randomUUID(), payload, ...(key === undefined ? {} : { key }) };
    return (await this.#post(`/topics/${segment(topic)}`, body, idempotencyKey)) as Published;
  }

  /** Waits for the end of a job, without an end if no `timeout` (seconds) is given, and says how it ended. */
  async result(id: string, options: { readonly timeout?: number } = {}): Promise<Result> {
    const ends = options.timeout === undefined ? Infinity : performance.now() + options.timeout * 1000;
    for (;;) {
      const left = Math.max(0, Math.min((ends - performance.now()) / 1000, LONGEST_WAIT));
      const answer = await this.#get(`/jobs/${segment(id)}/result`, { wait: left.toFixed(3) }, left);
      if (answer.status !== 202) return answer.document as Result;
      if (performance.now() >= ends) throw new ResultTimeout(`job ${id} has not ended within ${options.timeout} s`);
    }
  }

  #get(path: string, query: Record<string, string> = {}, waits = 0): Promise<Answer> {
    return this.#send({ method: "GET", path, query, timeout: this.#timeout() + waits * 1000 });
  }

  async #post(path: string, body: unknown, key: string = randomUUID()): Promise<unknown> {
    if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw new RangeError("idempotencyKey must be 1 to 200 visible ASCII characters");
    const headers = { "idempotency-key": key };
    const request = { method: "POST", path, body: JSON.stringify(body), headers, timeout: this.#timeout() } as const;
    return (await this.#send(request)).document;
  }

  #timeout(): number {
    return (this.#options.timeout ?? 15) * 1000;
  }

  async #send(request: Request): Promise<Answer> {
    const ends = performance.now() + (this.#options.patience ?? 30) * 1000;
    for (let failures = 1; ; failures += 1) {
      try {
        return await send(this.#options, request);
      } catch (error) {
        const wait = again(error, failures);
        if (wait !== undefined && performance.now() + wait <= ends) {
          await sleep(wait);
        } else if (error instanceof NoAnswer) {
          throw new Unreachable(`${error.message}, in ${failures} tries`, { cause: error });
        } else {
          throw error;
        }
      }
    }
  }
}

/** Milliseconds until the next try; none if the answer would be the same. */
function again(error: unknown, failures: number): number | undefined {
  if (error instanceof NoAnswer) return delay(failures, Math.random());
  if (!(error instanceof ApiError) || !REPEATED.has(error.status)) return undefined;
  return error.retryAfter === undefined ? delay(failures, Math.random()) : error.retryAfter * 1000;
}

function enqueued(answer: unknown): Enqueued {
  const { id, duplicate = false } = answer as { id: string; duplicate?: boolean };
  return { id, duplicate };
}
