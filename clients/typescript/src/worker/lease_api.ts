// The routes of the API that a worker calls, one request each. The caller decides whether to repeat it.

import { ApiError } from "../errors.js";
import { type Connection, segment, send } from "../http.js";
import type { components } from "../openapi.js";
import type { Lease } from "./lease.js";

/** Milliseconds that the API may take to answer what does not wait. */
const ANSWER = 10_000;

type Schemas = components["schemas"];

export type Profile = Schemas["NewSession"] & { readonly capacity: number };
export type Opened = Schemas["OpenedSession"];
export type Claim = Schemas["NewClaim"] & { readonly wait_seconds: number };
export type AttemptRef = Schemas["AttemptOfJob"];
export type Beat = Schemas["HeartbeatAnswer"];
export type Settled = Schemas["EndAnswer"];
export type ProgressReport = Schemas["ProgressReport"];
export type Report = ProgressReport | Schemas["LogReport"] | Schemas["OutputReport"];
export type ReportPath = "/leases/progress" | "/leases/log" | "/leases/output";
export type ReportAnswer = Schemas["ReportAnswer"];
export type Parameters = Schemas["LeaseParameters"];
export type Recorded = Schemas["StepAnswer"];
/** The document cannot say which of the two members there is. */
export type Waited = { readonly over: true; readonly result: unknown } | { readonly over: false; readonly seconds: number };
/** What a handler waits for. */
export type WaitRequest = Omit<Schemas["NewWait"], "token" | "name">;

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

  /** What running jobs say, each answered by itself. */
  async report(path: ReportPath, reports: readonly Report[]): Promise<ReportAnswer[]> {
    return ((await this.#post(path, { reports })) as { answers: ReportAnswer[] }).answers;
  }

  /** The newest parameters of a job, and which of the job's they are; 0: it was given none. */
  async parameters(token: string): Promise<Parameters> {
    return (await this.#post("/leases/parameters", { token })) as Parameters;
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

  async wait(token: string, name: string, wait: WaitRequest): Promise<Waited> {
    return (await this.#post("/leases/waits", { token, name, ...wait } satisfies Schemas["NewWait"])) as Waited;
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
