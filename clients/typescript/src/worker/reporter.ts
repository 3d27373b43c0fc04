// Tells the API what handlers say while they run.

import { ApiError } from "../errors.js";
import { now } from "./clock.js";
import type { LeaseApi, Report, ReportPath } from "./lease_api.js";
import type { Log } from "./log.js";
import { type Part, type Reports, runs, type Taken } from "./reports.js";

/** Milliseconds: what is said in this time goes together. */
const GATHER = 200;

/** Milliseconds between two writes of progress: a handler may say it for each row. */
const PROGRESS = 1000;

/** Characters of a request; the API takes several times as much. */
const MOST_CHARS = 256 * 1024;

const MOST_REPORTS = 1000;

/** A request, and whose each of its reports is. */
interface Batch {
  readonly path: ReportPath;
  readonly reports: { readonly of: Reports; readonly body: Report }[];
}

/**
 * Requests go one after another, so that the parts of an attempt come in their order. One that comes again does no harm:
 * every part has its number.
 */
export class Reporter {
  readonly #untold = new Set<Reports>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #progressAt = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(
    readonly api: LeaseApi,
    readonly log: Log,
  ) {}

  /** An attempt has said something. */
  has(reports: Reports): void {
    this.#untold.add(reports);
    this.#schedule(GATHER);
  }

  /** Writes what attempts have said that end. Only while they hold their leases it is accepted. */
  async writeNow(ending: readonly Reports[]): Promise<void> {
    const some = ending.filter((reports) => reports.isUntold);
    if (some.length > 0) await this.#inTurn(some, true);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(milliseconds: number): void {
    if (this.#isStopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#write(), milliseconds);
  }

  async #write(): Promise<void> {
    const some = [...this.#untold];
    this.#untold.clear();
    const isDue = now() - this.#progressAt >= PROGRESS;
    if (isDue) this.#progressAt = now();
    const written = await this.#inTurn(some, isDue);
    this.#timer = undefined;
    for (const reports of some) if (reports.isUntold) this.#untold.add(reports);
    if (this.#untold.size > 0) this.#schedule(written ? GATHER : PROGRESS);
  }

  /** False: the API did not answer, and what was said is left to be written. */
  async #inTurn(some: readonly Reports[], progressIsDue: boolean): Promise<boolean> {
    let written = true;
    const before = this.#writing;
    this.#writing = (async () => {
      await before;
      const taken = some.map((reports) => ({ reports, parts: reports.take(progressIsDue) }));
      try {
        for (const batch of batches(taken)) await this.#send(batch);
      } catch (error) {
        if (error instanceof ApiError && error.status < 500 && error.status !== 408 && error.status !== 429) {
          this.log.warn(`the API refuses what jobs say: ${error.message}`);
          return;
        }
        written = false;
        for (const { reports, parts } of taken) reports.putBack(parts);
      }
    })();
    await this.#writing;
    return written;
  }

  async #send({ path, reports }: Batch): Promise<void> {
    const answers = await this.api.report(path, reports.map(({ body }) => body));
    reports.forEach(({ of }, n) => {
      const answer = answers[n];
      if (answer?.status === "lease_lost") of.lose();
      else if (answer?.status === "refused") {
        this.log.warn(`what job ${answer.job_id ?? ""} says was refused: ${answer.reason ?? ""}`);
      }
    });
  }
}

/** What is said, in requests of a bounded length. */
function batches(taken: readonly { readonly reports: Reports; readonly parts: Taken }[]): Batch[] {
  const found: Batch[] = [];
  let size = 0;
  const add = (path: ReportPath, of: Reports, body: Report, chars: number): void => {
    let batch = found.at(-1);
    size += chars;
    if (batch === undefined || batch.path !== path || batch.reports.length === MOST_REPORTS || size > MOST_CHARS) {
      batch = { path, reports: [] };
      found.push(batch);
      size = chars;
    }
    batch.reports.push({ of, body });
  };
  for (const { reports, parts } of taken) {
    if (parts.progress !== undefined) add("/leases/progress", reports, parts.progress, 500);
  }
  for (const { reports, parts } of taken) {
    for (const run of runs(parts.lines, MOST_CHARS)) {
      add("/leases/log", reports, { token: reports.token, first: first(run), lines: run.map(line) }, chars(run));
    }
  }
  for (const { reports, parts } of taken) {
    for (const run of runs(parts.chunks, MOST_CHARS)) {
      const chunks = run.map(({ text }) => text);
      add("/leases/output", reports, { token: reports.token, first: first(run), chunks }, chars(run));
    }
  }
  return found;
}

function first(run: readonly Part[]): number {
  return run[0]?.n ?? 1;
}

function chars(run: readonly Part[]): number {
  return run.reduce((sum, { text }) => sum + text.length + 100, 0);
}

function line({ text, level, saidAt }: Part): { text: string; level: Part["level"]; age_seconds: number } {
  return { text, level, age_seconds: Math.max(0, (now() - saidAt) / 1000) };
}
