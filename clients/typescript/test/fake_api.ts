// The routes for workers, in memory and behind a port: as the API answers, with faults that a test asks for.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

type Json = Record<string, any>;

export interface FakeJob {
  readonly id: string;
  readonly kind: string;
  readonly args: unknown;
  readonly timeout_seconds?: number;
  attempt: number;
  token: string | undefined;
  claim: number;
  readonly ends: Json[];
  checkpoint: unknown;
  readonly steps: Map<string, unknown>;
  cancel: boolean;
  isWaiting: boolean;
  progress: Json;
  readonly lines: Map<number, Json>;
  readonly chunks: Map<number, string>;
  parameters: { n: number; value: unknown };
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
  ) {
    super(reason);
  }
}

export class FakeApi {
  lease = 10;
  heartbeat = 0.1;
  readonly jobs: FakeJob[] = [];
  readonly sessions = new Map<string, boolean>();
  readonly opened: Json[] = [];
  readonly requests: { readonly route: string; readonly body: Json }[] = [];
  /** Number of answers of a route that get lost after the request was carried out. */
  readonly lose = new Map<string, number>();
  /** What a route answers until it is taken out. */
  readonly refuse = new Map<string, { status: number; detail: string }>();
  readonly answersToWaits = new Map<string, unknown>();
  isDraining = false;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  add(kind: string, args: unknown = {}, more: { timeout_seconds?: number } = {}): FakeJob {
    const fresh = { attempt: 0, token: undefined, claim: 0, ends: [], checkpoint: null, steps: new Map() };
    const said = { progress: {}, lines: new Map(), chunks: new Map(), parameters: { n: 0, value: null } };
    const id = `job-${this.jobs.length + 1}`;
    const job: FakeJob = { id, kind, args, ...more, ...fresh, ...said, cancel: false, isWaiting: true };
    this.jobs.push(job);
    return job;
  }

  count(route: string): number {
    return this.bodies(route).length;
  }

  bodies(route: string): Json[] {
    return this.requests.filter((request) => request.route === route).map(({ body }) => body);
  }

  /** As the scheduler does when their leases are over: their jobs wait again. */
  killSessions(): void {
    for (const session of this.sessions.keys()) this.#end(session);
  }

  #end(session: string): void {
    this.sessions.set(session, false);
    for (const job of this.jobs) if (job.token?.endsWith(`:${session}`)) this.#free(job);
  }

  #free(job: FakeJob): void {
    job.token = undefined;
    job.isWaiting = true;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const path = request.url ?? "/";
    const parts = path.slice(1).split("/");
    const route = parts.at(-1) === "heartbeat" ? "/sessions/heartbeat" : path;
    const body = (text === "" ? {} : JSON.parse(text)) as Json;
    this.requests.push({ route, body });
    const refused = this.refuse.get(route);
    if (refused !== undefined) return void response.writeHead(refused.status).end(JSON.stringify(refused));
    try {
      const answer = await this.#route(request.method ?? "", route, parts, body);
      const lost = this.lose.get(route) ?? 0;
      this.lose.set(route, Math.max(0, lost - 1));
      if (lost > 0) return void request.socket.destroy();
      response.writeHead(answer === undefined ? 204 : 200).end(answer === undefined ? "" : JSON.stringify(answer));
    } catch (error) {
      const { status, reason } = error instanceof Refusal ? error : { status: 500, reason: String(error) };
      response.writeHead(status).end(JSON.stringify({ status, reason }));
    }
  }

  async #route(method: string, route: string, parts: string[], body: Json): Promise<Json | undefined> {
    if (method === "DELETE") return void this.#end(parts[1] ?? "");
    switch (route) {
      case "/sessions":
        return this.#open(body);
      case "/sessions/heartbeat":
        return this.#beat(parts[1] ?? "", body);
      case "/leases":
        return this.#claim(body);
      case "/leases/settle":
        return { answers: body["ends"].map((end: Json) => this.#settle(end)) };
      case "/leases/checkpoint":
        this.#held(body).checkpoint = body["data"];
        return {};
      case "/leases/parameters":
        return this.#held(body).parameters;
      case "/leases/progress":
      case "/leases/log":
      case "/leases/output":
        return { answers: body["reports"].map((report: Json) => this.#report(report)) };
      case "/leases/steps/list":
        return { steps: [...this.#held(body).steps].map(([name, result]) => ({ name, kind: "step", result })) };
      case "/leases/steps":
        return this.#record(this.#held(body), body["name"], body["result"]);
      case "/leases/enqueue":
        this.#record(this.#held(body), body["name"], `child of ${body["name"]}`);
        return { id: this.#held(body).steps.get(body["name"]) };
      case "/leases/waits":
        return this.#wait(this.#held(body), body["name"]);
      default:
        throw new Refusal(404, "no such route");
    }
  }

  #held(body: Json): FakeJob {
    const job = this.jobs.find(({ token }) => token !== undefined && token === body["token"]);
    if (job === undefined) throw new Refusal(409, "lease_lost");
    return job;
  }

  #open(body: Json): Json {
    const session = String(this.sessions.size + 1);
    this.sessions.set(session, true);
    this.opened.push(body);
    return { session, lease_seconds: this.lease, heartbeat_seconds: this.heartbeat };
  }

  #of(session: string): FakeJob[] {
    if (this.sessions.get(session) !== true) throw new Refusal(409, "session_dead");
    return this.jobs.filter(({ token }) => token?.endsWith(`:${session}`));
  }

  #beat(session: string, body: Json): Json {
    const held = this.#of(session);
    const running: string[] = body["running"];
    for (const job of held) if (job.claim <= body["answered"] && !running.includes(job.token ?? "")) this.#free(job);
    const ref = (token: string): Json => ({ job_id: token.split(":")[0], attempt: Number(token.split(":")[1]) });
    return {
      lease_seconds: this.lease,
      cancel: held.filter(({ cancel }) => cancel).map(({ id, attempt }) => ({ job_id: id, attempt })),
      lost: running.filter((token) => !held.some((job) => job.token === token)).map(ref),
      parameters: held
        .filter(({ parameters }) => parameters.n > 0)
        .map(({ id, attempt, parameters }) => ({ job_id: id, attempt, ...parameters })),
      drain: this.isDraining,
    };
  }

  async #claim(body: Json): Promise<Json> {
    const { session, claim, max, wait_seconds } = body;
    for (const ends = Date.now() + Math.min(wait_seconds, 1) * 1000; ; await sleep(5)) {
      let found = this.#of(session).filter((job) => job.claim === claim);
      if (found.length === 0) {
        found = this.jobs.filter(({ isWaiting }) => isWaiting).slice(0, max);
        for (const job of found) {
          job.attempt += 1;
          job.claim = claim;
          job.isWaiting = false;
          job.token = `${job.id}:${job.attempt}:${session}`;
        }
      }
      if (found.length > 0 || Date.now() >= ends) return { leases: found.map((job) => this.#lease(job)) };
    }
  }

  #lease(job: FakeJob): Json {
    const { token, id, attempt, kind, args, timeout_seconds = null, checkpoint } = job;
    return { token, job_id: id, attempt, kind, queue: "default", args, timeout_seconds, checkpoint, suspect: kind === "suspect" };
  }

  #settle(end: Json): Json {
    const [job_id, attempt] = String(end["token"]).split(":");
    const answer = { job_id, attempt: Number(attempt) };
    const job = this.jobs.find(({ token }) => token === end["token"]);
    if (job === undefined) return { ...answer, status: "lease_lost" };
    if (end["output"] === "refused") return { ...answer, status: "refused", reason: "the output is refused" };
    job.ends.push(end);
    job.token = undefined;
    job.isWaiting = ["released", "failed"].includes(end["outcome"]) && job.ends.length < 2;
    return { ...answer, status: "settled", outcome: end["outcome"] };
  }

  give(job: FakeJob, value: unknown): void {
    job.parameters = { n: job.parameters.n + 1, value };
  }

  #report(report: Json): Json {
    const [job_id, attempt] = String(report["token"]).split(":");
    const job = this.jobs.find(({ token }) => token === report["token"]);
    if (job === undefined) return { job_id, attempt: Number(attempt), status: "lease_lost" };
    if (report["lines"] === undefined && report["chunks"] === undefined) job.progress = { ...job.progress, ...report };
    // A number that was written is not written again.
    const add = <T>(to: Map<number, T>, parts: T[]): void =>
      parts.forEach((part, n) => void (to.has(report["first"] + n) || to.set(report["first"] + n, part)));
    add(job.lines, report["lines"] ?? []);
    add(job.chunks, report["chunks"] ?? []);
    return { job_id, attempt: Number(attempt), status: "written" };
  }

  #record(job: FakeJob, name: string, result: unknown): Json {
    if (job.steps.has(name)) return { recorded: false, result: job.steps.get(name) };
    job.steps.set(name, result);
    return { recorded: true };
  }

  #wait(job: FakeJob, name: string): Json {
    if (!this.answersToWaits.has(name)) return { over: false, seconds: 12.5 };
    const result = this.answersToWaits.get(name);
    job.steps.set(name, result);
    return { over: true, result };
  }
}

/** Waits for a fact. */
export async function until(fact: () => unknown, seconds = 20): Promise<void> {
  for (const ends = Date.now() + seconds * 1000; !fact(); await sleep(5)) {
    if (Date.now() >= ends) throw new Error(`it did not come true: ${String(fact)}`);
  }
}
