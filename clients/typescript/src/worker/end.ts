// How an attempt ends: what a handler returned or threw, as the API is told.

import { Stopped, type StopReason } from "./stop.js";

export type EndOutcome = "succeeded" | "failed" | "dead" | "snoozed" | "cancelled" | "released" | "waiting" | "unavailable";

/** Characters of an error that are sent; the API keeps 16 KiB. */
const LONGEST_ERROR = 8_000;

/** Bytes of JSON that a run keeps. */
const LARGEST_OUTPUT = 64 * 1024;

/** What `JSON.stringify` makes of half of a surrogate pair: an escape, behind an even number of backslashes. */
const HALF_CHARACTER = /(?<!\\)(?:\\\\)*\\ud[89a-f][0-9a-f]{2}/;

/** Seconds: as far ahead as work may be due. */
const LONGEST_WAIT = 100 * 365 * 86_400;

/** Here, where the handler sees it; the API could only refuse the end of the attempt. */
function checked(after: number): number {
  if (after >= 0 && after <= LONGEST_WAIT) return after;
  throw new RangeError(`after must be from 0 to a hundred years in seconds, and is ${after}`);
}

/** Try again: after the backoff, or after `after` seconds. It counts as a failure, as any other error does. */
export class Retry extends Error {
  override readonly name = "Retry";
  readonly after: number | undefined;

  constructor(reason = "the handler asked for another attempt", options: { after?: number; cause?: unknown } = {}) {
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    this.after = options.after === undefined ? undefined : checked(options.after);
  }
}

/** Run again in this number of seconds, without counting the attempt as a failure. */
export class Snooze extends Error {
  override readonly name = "Snooze";

  readonly after: number;

  constructor(after: number) {
    super(`the handler asked to run again in ${after} s`);
    this.after = checked(after);
  }
}

/** What the handler calls is down: the job waits until that target takes calls, and no attempt is spent. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
  readonly host: string | undefined;

  constructor(
    readonly target: string,
    reason = "it is not well",
    options: { host?: string; cause?: unknown } = {},
  ) {
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    this.host = options.host;
  }
}

/** End the job as cancelled. */
export class Cancel extends Error {
  override readonly name = "Cancel";

  constructor(reason = "the handler cancelled the job") {
    super(reason);
  }
}

/** Bury the job: it becomes a dead letter, whatever attempts it had left. */
export class Fatal extends Error {
  override readonly name = "Fatal";
}

/**
 * A wait of a durable handler ends the attempt. Let it pass. A handler that catches it gains nothing: the attempt ends
 * for the wait, whatever the handler does then.
 */
export class Suspended extends Error {
  override readonly name = "Suspended";

  constructor(readonly after: number) {
    super("the handler waits, and goes on in a later attempt");
  }
}

/** What handlers throw in their own words. */
const ANSWERS = [Retry, Fatal, Unavailable, Stopped];

/** What becomes of an attempt. */
export interface End {
  readonly outcome: EndOutcome;
  readonly error?: string;
  readonly after_seconds?: number;
  readonly target?: string;
  readonly host?: string;
  /** JSON. */
  readonly output?: string;
}

/** The end of a handler that returned. */
export function returned(value: unknown): End {
  if (value === undefined) return { outcome: "succeeded" };
  let output: string | undefined;
  try {
    output = JSON.stringify(value);
  } catch (error) {
    return { outcome: "dead", error: `the output cannot be written as JSON: ${chain(error)}` };
  }
  // Of functions and symbols there is no JSON.
  if (output === undefined) return { outcome: "dead", error: "the output cannot be written as JSON" };
  if (HALF_CHARACTER.test(output)) return { outcome: "dead", error: "the output has half of a character, which JSON cannot hold" };
  const bytes = Buffer.byteLength(output);
  if (bytes > LARGEST_OUTPUT) {
    const error = `output is ${bytes} bytes long, and a run keeps ${LARGEST_OUTPUT} at most`;
    return { outcome: "dead", error };
  }
  return { outcome: "succeeded", output };
}

/** The end of a handler that threw. */
export function thrown(error: unknown): End {
  if (error instanceof Suspended) return { outcome: "waiting", after_seconds: error.after };
  if (error instanceof Snooze) return { outcome: "snoozed", after_seconds: error.after };
  if (error instanceof Cancel) return { outcome: "cancelled", error: error.message };
  if (error instanceof Unavailable) {
    const host = error.host === undefined ? {} : { host: error.host };
    return { outcome: "unavailable", error: chain(error), target: error.target, ...host };
  }
  if (error instanceof Fatal) return { outcome: "dead", error: chain(error) };
  const after = error instanceof Retry && error.after !== undefined ? { after_seconds: error.after } : {};
  return { outcome: "failed", error: chain(error), ...after };
}

/** The end of an attempt that was stopped; none: nothing may be written. */
export function stopped(reason: StopReason, limit: number): End | undefined {
  switch (reason) {
    case "cancelled":
      return { outcome: "cancelled", error: "cancelled" };
    case "timed_out":
      return { outcome: "failed", error: `timed out after ${limit} s` };
    case "shutdown":
      return { outcome: "released" };
    case "lease_lost":
      return undefined;
  }
}

/** An end as `POST /leases/settle` takes it. */
export function written(end: End, token: string, ranSeconds: number): string {
  const { output, error, ...rest } = end;
  const text = JSON.stringify({
    token,
    ...rest,
    ran_seconds: ranSeconds,
    // Postgres keeps neither NUL nor half of a character.
    ...(error === undefined ? {} : { error: error.slice(0, LONGEST_ERROR).replaceAll("\0", "\\0").toWellFormed() }),
  });
  return output === undefined ? text : `${text.slice(0, -1)},"output":${output}}`;
}

/** An error with its causes: the outermost says what failed, the innermost why. */
export function chain(error: unknown): string {
  const parts: string[] = [];
  for (let found: unknown = error; found !== undefined && parts.length < 10; ) {
    const own = ANSWERS.some((kind) => found instanceof kind);
    parts.push(own && found instanceof Error && found.message !== "" ? found.message : String(found));
    found = found instanceof Error ? found.cause : undefined;
  }
  return parts.join(": ");
}
