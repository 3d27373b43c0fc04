// The routes of the API that a worker calls, one request each. The caller decides whether to repeat it.

import { ApiError } from "../errors.js";
import { type Connection, segment, send } from "../http.js";
import type { Lease } from "./lease.js";

/** Milliseconds that the API may take to answer what does not wait. */
const ANSWER = 10_000;

export interface Profile {
  readonly name: string;
  readonly queues: readonly string[];
  readonly kinds: readonly string[];
  readonly capacity: number;
  readonly lease_seconds: number;
  readonly max_attempts?: number;
  readonly host: string;
  readonly version: string;
  readonly language: string;
}

export interface Opened {
  readonly session: string;
  readonly lease_seconds: number;
  readonly heartbeat_seconds: number;
}

export interface Claim {
  readonly session: string;
  readonly claim: number;
  readonly max: number;
  readonly wait_seconds: number;
  /** The number was sent before, so that its jobs may be leased already. */
  readonly again?: true;
  /** The worker runs a job that may have killed a worker before: of these it takes one at a time. */
  readonly suspects?: false;
}

/** Names an attempt. */
export interface AttemptRef {
  readonly job_id: string;
  readonly attempt: number;
}

export interface Beat {
  readonly lease_seconds: number;
  readonly cancel: readonly AttemptRef[];
  readonly lost: readonly AttemptRef[];
  readonly drain: boolean;
}

export interface Settled {
  readonly status: "settled" | "lease_lost" | "refused";
  readonly reason?: string;
}

export type Recorded = { readonly recorded: true } | { readonly recorded: false; readonly result: unknown };

export type Waited = { readonly over: true; readonly result: unknown } | { readonly over: false; readonly seconds: number };

export class LeaseApi {
  constructor(readonly connection: Connection) {}

  async openSession(profile: Profile): Promise<Opened> {
    return (await this.#post("/sessions", profile)) as Opened;
  }

  async claim(claim: Claim, until: AbortSignal): Promise<Lease[]> {
    const timeout = ANSWER + claim.wait_seconds * 1000;
    const body = JSON.stringify(claim);
    const answer = (await send(this.connection, { method: "POST", path: "/leases", body, timeout, until })).document;
    return (answer as { leases: Lease[] }).leases;
  }

  async heartbeat(session: string, running: readonly string[], answered: number, timeout: number): Promise<Beat> {
    return (await this.#post(`/sessions/${segment(session)}/heartbeat`, { running, answered }, timeout)) as Beat;
  }

  async closeSession(session: string, timeout: number): Promise<void> {
    await send(this.connection, { method: "DELETE", path: `/sessions/${segment(session)}`, timeout });
  }

  /** Ends that are JSON already: what one of them holds must not keep the others from being written. */
  async settle(ends: readonly string[]): Promise<Settled[]> {
    const answer = await this.#send("/leases/settle", `{"ends":[${ends.join(",")}]}`, ANSWER);
    return (answer as { answers: Settled[] }).answers;
  }

  async checkpoint(token: string, data: unknown): Promise<void> {
    await this.#post("/leases/checkpoint", { token, data });
  }

  async steps(token: string): Promise<{ readonly name: string; readonly result: unknown }[]> {
    const answer = await this.#post("/leases/steps/list", { token });
    return (answer as { steps: { name: string; result: unknown }[] }).steps;
  }

  async record(token: string, name: string, result: unknown, ranSeconds: number): Promise<Recorded> {
    return (await this.#post("/leases/steps", { token, name, result, ran_seconds: ranSeconds })) as Recorded;
  }

  async enqueue(token: string, name: string, job: unknown): Promise<string> {
    return ((await this.#post("/leases/enqueue", { token, name, job })) as { id: string }).id;
  }

  async wait(token: string, name: string, wait: object): Promise<Waited> {
    return (await this.#post("/leases/waits", { token, name, ...wait })) as Waited;
  }

  #post(path: string, body: object, timeout = ANSWER): Promise<unknown> {
    return this.#send(path, JSON.stringify(body), timeout);
  }

  async #send(path: string, body: string, timeout: number): Promise<unknown> {
    return (await send(this.connection, { method: "POST", path, body, timeout })).document;
  }
}

/** Of a request about a session: whether it is over, so that its jobs run elsewhere. */
export function isSessionDead(error: unknown): boolean {
  return error instanceof ApiError && (error.reason === "session_dead" || error.status === 404 || error.status === 409);
}
