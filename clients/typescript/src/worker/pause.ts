// Waiting that leaves no timer behind, which would keep the process alive.

import { setTimeout as sleep } from "node:timers/promises";

/** Waits for this number of milliseconds, or until the signal is aborted. */
export async function pause(milliseconds: number, until: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal: until });
  } catch {
    // Aborted: the caller looks at what it waits for.
  }
}
