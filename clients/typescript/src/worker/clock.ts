// The worker's own clock, which all threads of the process share, and the end of the lease by it.

/** Milliseconds. `performance.now` begins anew in each thread. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** The part of a lease for which a worker may trust it: handlers need time to stop before others begin. */
const HOLDS = 5 / 6;

/**
 * Until when a session holds. It is in memory that the thread of the heartbeat shares with the main one: a main thread
 * that was blocked for long sees at once what the other has renewed since, or that all is lost.
 */
export class Validity {
  static open(openedAt: number, leaseSeconds: number): Validity {
    const validity = new Validity(new SharedArrayBuffer(16));
    Atomics.store(validity.#cells, 0, microseconds(openedAt, leaseSeconds));
    return validity;
  }

  readonly #cells: BigInt64Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.#cells = new BigInt64Array(memory);
  }

  /** Whether nobody has ended it, and the lease is not almost over. Once over, it stays over. */
  holds(): boolean {
    if (this.isOver()) return false;
    if (now() * 1000 < Number(Atomics.load(this.#cells, 0))) return true;
    this.end();
    return false;
  }

  /**
   * A heartbeat that was sent at this time succeeded. The lease runs from then: when the answer came says nothing about
   * when the API renewed it.
   */
  renew(sentAt: number, leaseSeconds: number): void {
    if (this.holds()) Atomics.store(this.#cells, 0, microseconds(sentAt, leaseSeconds));
  }

  isOver(): boolean {
    return Atomics.load(this.#cells, 1) !== 0n;
  }

  end(): void {
    Atomics.store(this.#cells, 1, 1n);
  }
}

/** The end of what a lease that was renewed at this time is good for. */
function microseconds(renewedAt: number, leaseSeconds: number): bigint {
  return BigInt(Math.round((renewedAt + leaseSeconds * HOLDS * 1000) * 1000));
}
