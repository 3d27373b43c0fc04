// What an attempt says of itself and is not written yet.

import { now } from "./clock.js";
import type { ProgressReport } from "./lease_api.js";

const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];
const NAMES: Readonly<Record<string, LogLevel>> = { warning: "warn", critical: "error", fatal: "error" };

/** What the API keeps of an attempt. */
const LOG = { most: 1000, mostChars: 64 * 1024 };
const OUTPUT = { most: 10_000, mostChars: 1024 * 1024 };

const LINE_CHARS = 8 * 1024;
/** Length up to which chunks that come quickly are one. */
const CHUNK_CHARS = 16 * 1024;
const NOTE = 500;

/** A line or a chunk under its number. */
export interface Part {
  n: number;
  text: string;
  readonly level: LogLevel;
  readonly saidAt: number;
  readonly isBeyond: boolean;
}

/** The lines or the chunks of an attempt. What is beyond the bounds is counted by its number alone. */
export class Channel {
  untold: Part[] = [];
  #n = 0;
  #size = 0;

  constructor(readonly bounds: { readonly most: number; readonly mostChars: number }) {}

  say(text: string, level: LogLevel, gather: boolean): void {
    const isOver = this.#n >= this.bounds.most || this.#size > this.bounds.mostChars;
    const last = this.untold.at(-1);
    if (gather && !isOver && last !== undefined && last.text.length < CHUNK_CHARS) {
      last.text += text;
      this.#size += text.length;
      return;
    }
    this.#n += 1;
    if (isOver && last?.isBeyond === true) {
      last.n = this.#n;
      return;
    }
    // The first that is too much is sent: by it the API knows.
    this.#size += text.length;
    this.untold.push({ n: this.#n, text, level, saidAt: now(), isBeyond: isOver });
  }

  take(): Part[] {
    return this.untold.splice(0);
  }

  putBack(parts: readonly Part[]): void {
    this.untold = [...parts, ...this.untold];
  }
}

/** What is to be written of an attempt. */
export interface Taken {
  readonly progress: ProgressReport | undefined;
  readonly lines: readonly Part[];
  readonly chunks: readonly Part[];
}

/** Nothing here waits for the API, and what is kept is bounded. */
export class Reports {
  #progress: Omit<ProgressReport, "token" | "counter"> = {};
  #counter = 0;
  #isProgressUntold = false;
  #isLost = false;
  readonly #log = new Channel(LOG);
  readonly #output = new Channel(OUTPUT);

  constructor(readonly token: string) {}

  progress(percent: number, note: string): void {
    const said = Number.isFinite(percent) ? { percent: Math.min(Math.max(percent, 0), 100) } : {};
    this.#progress = { ...this.#progress, ...said, note: clean([...note].slice(0, NOTE).join("")) };
    this.#isProgressUntold = !this.#isLost;
  }

  advance(by: number): void {
    this.#counter += Math.max(0, Math.trunc(by));
    this.#isProgressUntold = !this.#isLost;
  }

  watch(stallsAfter: number, cancel: boolean): void {
    const watched = { stalls_after_seconds: Math.max(1, stallsAfter), cancel_stalled: cancel };
    this.#progress = { ...this.#progress, ...watched };
    this.#isProgressUntold = !this.#isLost;
  }

  log(line: string, level: LogLevel): void {
    // JavaScript without types asks for others, and the API refuses these with all that they come with.
    const known = NAMES[level] ?? level;
    if (!LEVELS.includes(known)) throw new RangeError(`no level is called ${JSON.stringify(level)}: ${LEVELS.join(", ")}`);
    if (!this.#isLost) this.#log.say(clean(String(line).slice(0, LINE_CHARS)), known, false);
  }

  stream(chunk: string): void {
    if (this.#isLost) return;
    // In pieces: of a chunk that is too long the beginning is kept.
    for (let start = 0, end = 0; start < chunk.length; start = end) {
      end = start + CHUNK_CHARS;
      // Not within a character of two units.
      if (/[\ud800-\udbff]/.test(chunk.charAt(end - 1))) end += 1;
      this.#output.say(clean(chunk.slice(start, end)), "info", true);
    }
  }

  get isUntold(): boolean {
    return this.#isProgressUntold || this.#log.untold.length > 0 || this.#output.untold.length > 0;
  }

  take(progressIsDue: boolean): Taken {
    let progress: ProgressReport | undefined;
    if (progressIsDue && this.#isProgressUntold) {
      progress = { token: this.token, ...this.#progress, counter: this.#counter };
      this.#isProgressUntold = false;
    }
    return { progress, lines: this.#log.take(), chunks: this.#output.take() };
  }

  /** It could not be written. */
  putBack(taken: Taken): void {
    if (this.#isLost) return;
    this.#isProgressUntold ||= taken.progress !== undefined;
    this.#log.putBack(taken.lines);
    this.#output.putBack(taken.chunks);
  }

  /** The lease was lost: nothing more is written. */
  lose(): void {
    this.#isLost = true;
    this.#isProgressUntold = false;
    this.#log.take();
    this.#output.take();
  }
}

/** Parts whose numbers follow each other, so that a request says where they begin; each of a bounded length. */
export function runs(parts: readonly Part[], mostChars: number): Part[][] {
  const found: Part[][] = [];
  let size = 0;
  for (const part of parts) {
    const run = found.at(-1);
    size += part.text.length + 100;
    if (run === undefined || run.at(-1)?.n !== part.n - 1 || run.length === 1000 || size > mostChars) {
      found.push([part]);
      size = part.text.length + 100;
    } else {
      run.push(part);
    }
  }
  return found;
}

/** A text that Postgres can keep: without NUL, and without halves of surrogate pairs. */
function clean(text: string): string {
  return Buffer.from(text.replaceAll("\0", "")).toString();
}
