// When to send a request again. Times are milliseconds.

const BASE = 100;
const CAP = 5_000;

/**
 * Statuses after which the same request may succeed. Each POST has a key under which it is done once, so that 504 and a
 * proxy's 502, which leave open what was done, are safe to repeat too.
 */
export const REPEATED: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

/** The wait after this number of failures in a row. `chance`, from 0 to 1, spreads clients. */
export function delay(failures: number, chance: number): number {
  return Math.min(CAP, BASE * 2 ** Math.min(failures - 1, 16)) * (0.5 + chance / 2);
}

/** The seconds of a `Retry-After` header; the API sends no dates. */
export function retryAfter(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header.trim()) ? Number(header) : undefined;
}
