// Requests of a worker that are repeated until they are answered.

import { delay, REPEATED } from "../backoff.js";
import { ApiError, NoAnswer } from "../errors.js";
import type { Log } from "./log.js";

/** There is nothing left to repeat it for. */
export class GivenUp extends Error {}

/**
 * Sends until an answer comes that counts. `pause` waits for this number of milliseconds, and says whether to go on; what
 * the API refuses for good is thrown.
 */
export async function untilAnswered<T>(
  what: string,
  log: Log,
  attempt: (tries: number) => Promise<T>,
  pause: (milliseconds: number) => Promise<boolean>,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    let reason: string;
    let wait = delay(failures, Math.random());
    try {
      return await attempt(failures);
    } catch (error) {
      // A bug of the API may be gone with its next version; the lease says for how long to hope.
      const isRepeated = error instanceof ApiError && (REPEATED.has(error.status) || error.status >= 500);
      if (!(error instanceof NoAnswer) && !isRepeated) throw error;
      if (error instanceof ApiError && error.retryAfter !== undefined) wait = error.retryAfter * 1000;
      reason = error.message;
    }
    // Once: an API that restarts is no news.
    if (failures === 3) log.warn(`could not ${what}, trying again: ${reason}`);
    if (!(await pause(wait))) throw new GivenUp(`could not ${what}: ${reason}`);
  }
}
