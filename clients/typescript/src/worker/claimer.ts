// Claims jobs for the free slots.

import { ApiError } from "../errors.js";
import { now } from "./clock.js";
import type { Lease } from "./lease.js";
import { type Claim, isSessionDead, type LeaseApi } from "./lease_api.js";
import { GivenUp, untilAnswered } from "./patience.js";
import { pause } from "./pause.js";
import type { Session } from "./session.js";
import type { Slots } from "./slots.js";

/** Seconds that a claim waits for a job: less than proxies wait for an answer. */
const LONG_POLL = 20;

/** Of one claim; an answer of a thousand jobs with large arguments would take long to come. */
const MOST_LEASES = 100;

/** Milliseconds until the next claim when one was answered with nothing before its time. */
const IDLE_PAUSE = 500;

/** One claim at a time, under a number. An answer that was lost is asked for again under the same number, and brings the same jobs. */
export class Claimer {
  constructor(
    readonly api: LeaseApi,
    readonly session: Session,
    readonly slots: Slots,
    readonly start: (session: Session, claim: number, leases: readonly Lease[]) => void,
    readonly mayClaim: () => boolean,
  ) {}

  async run(): Promise<void> {
    try {
      await this.#claimOn();
    } catch (error) {
      // An answer that cannot be read, or a bug: without claims the session would do nothing any more.
      this.session.log.error("could not claim jobs", error);
      this.session.die("its claims failed");
    }
  }

  async #claimOn(): Promise<void> {
    for (let number = 1; ; number += 1) {
      const free = await this.#room();
      if (free === 0) return;
      const askedAt = now();
      const leases = await this.#claim(number, Math.min(free, MOST_LEASES));
      if (leases === undefined) return;
      this.start(this.session, number, leases);
      if (leases.length === 0 && now() - askedAt < IDLE_PAUSE) await this.#pause(IDLE_PAUSE);
    }
  }

  /** The number of free slots, once there are some and the worker may claim; 0: it ends. */
  async #room(): Promise<number> {
    while (this.mayClaim() && this.session.holds()) {
      if (this.session.isDraining) await this.#pause(IDLE_PAUSE);
      else if (this.slots.free > 0) return this.slots.free;
      else await this.slots.becameFree();
    }
    return 0;
  }

  async #claim(claim: number, max: number): Promise<Lease[] | undefined> {
    const request = (tries: number): Promise<Lease[]> => {
      const runsSuspect = this.session.attempts().some(({ lease }) => lease.suspect);
      const body: Claim = {
        session: this.session.id,
        claim,
        max,
        wait_seconds: LONG_POLL,
        ...(tries > 1 ? { again: true } : {}),
        ...(runsSuspect ? { suspects: false } : {}),
      };
      return this.api.claim(body, this.session.over);
    };
    try {
      return await untilAnswered("claim jobs", this.session.log, request, (time) => this.#pause(time));
    } catch (error) {
      if (error instanceof GivenUp) return undefined;
      if (!(error instanceof ApiError)) throw error;
      if (isSessionDead(error)) {
        this.session.die("its API says that it is dead");
      } else {
        this.session.log.error(`could not claim jobs: ${error.message}`);
        this.session.die("the API refuses its claims");
      }
      return undefined;
    }
  }

  async #pause(milliseconds: number): Promise<boolean> {
    await pause(milliseconds, this.session.over);
    return this.session.holds() && this.mayClaim();
  }
}
