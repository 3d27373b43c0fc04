// One life of the worker at the API, and the attempts that it holds there.

import type { Attempt } from "./attempt.js";
import { now, Validity } from "./clock.js";
import type { AttemptRef, Opened } from "./lease_api.js";
import type { Log } from "./log.js";

/** What the thread of the heartbeat is told. */
export type Change = { readonly enter: readonly string[]; readonly answered: number } | { readonly leave: string };

/**
 * It holds until the API says that it is dead, or the lease is almost over by the worker's own clock: soon its jobs run
 * elsewhere, and nothing of them may be written any more. It never comes back.
 */
export class Session {
  readonly id: string;
  readonly leaseSeconds: number;
  readonly heartbeatSeconds: number;
  readonly validity: Validity;
  isDraining = false;
  /** Aborted when it is over. */
  readonly over: AbortSignal;
  /** Called with each change of what a heartbeat has to name. */
  changed: (change: Change) => void = () => undefined;
  /** By token, until the API has answered how they ended: a heartbeat gives back what it does not name. */
  readonly #attempts = new Map<string, Attempt>();
  readonly #end = new AbortController();

  constructor(
    opened: Opened,
    openedAt: number,
    readonly log: Log,
  ) {
    this.id = opened.session;
    this.leaseSeconds = opened.lease_seconds;
    this.heartbeatSeconds = opened.heartbeat_seconds;
    this.validity = Validity.open(openedAt, opened.lease_seconds);
    this.over = this.#end.signal;
  }

  holds(): boolean {
    if (!this.over.aborted && !this.validity.holds()) this.die("no heartbeat has succeeded for almost a lease");
    return !this.over.aborted;
  }

  /** Everything it held is lost. */
  die(reason: string): void {
    if (this.over.aborted) return;
    const attempts = this.attempts();
    this.close();
    this.#attempts.clear();
    this.log.warn(`session ${this.id} is lost with ${attempts.length} jobs: ${reason}`);
    for (const attempt of attempts) attempt.stop("lease_lost");
  }

  /** The worker ends it. */
  close(): void {
    this.validity.end();
    this.#end.abort();
  }

  /**
   * The answer to a claim: the attempts that begin. With the number of the claim they become known in one step, or a
   * heartbeat in between would give them back.
   */
  enter(claim: number, attempts: readonly Attempt[]): Attempt[] {
    if (!this.holds()) return [];
    // A claim that was repeated may bring what is known.
    const begun = attempts.filter((attempt) => !this.#attempts.has(attempt.lease.token));
    for (const attempt of begun) this.#attempts.set(attempt.lease.token, attempt);
    this.changed({ enter: begun.map((attempt) => attempt.lease.token), answered: claim });
    return begun;
  }

  /** The API has answered how it ended, or it is lost. */
  leave(token: string): void {
    if (this.#attempts.delete(token)) this.changed({ leave: token });
  }

  attempts(): Attempt[] {
    return [...this.#attempts.values()];
  }

  find(named: AttemptRef): Attempt | undefined {
    return this.attempts().find(({ lease }) => lease.job_id === named.job_id && lease.attempt === named.attempt);
  }

  /** Stops attempts whose time is over, and ends the session when the lease is. */
  look(): void {
    if (!this.holds()) return;
    const at = now();
    for (const attempt of this.attempts()) attempt.look(at);
  }
}
