// Room for attempts.

/**
 * Each attempt holds one until its handler has ended, also if the attempt ended before: a promise cannot be stopped, and
 * what it holds is still in use.
 */
export class Slots {
  #taken = 0;
  #wake: (() => void)[] = [];

  constructor(readonly number: number) {}

  get free(): number {
    return Math.max(0, this.number - this.#taken);
  }

  take(): void {
    this.#taken += 1;
  }

  giveBack(): void {
    this.#taken -= 1;
    this.wake();
  }

  /** Resolved when one may be free, or there is another reason to look. */
  becameFree(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  wake(): void {
    for (const resolve of this.#wake.splice(0)) resolve();
  }
}
