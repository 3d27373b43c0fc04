// The life of a worker: sessions, one after another, until it is told to stop.

import { setTimeout as sleep } from "node:timers/promises";
import { delay } from "../backoff.js";
import type { Connection } from "../http.js";
import { Attempt } from "./attempt.js";
import { Claimer } from "./claimer.js";
import { now } from "./clock.js";
import { type Handler, runHandler } from "./handler.js";
import { startHeartbeat } from "./heartbeat.js";
import type { Lease } from "./lease.js";
import { LeaseApi, type Opened, type Profile } from "./lease_api.js";
import type { Log } from "./log.js";
import { GivenUp, untilAnswered } from "./patience.js";
import { pause } from "./pause.js";
import { Reporter } from "./reporter.js";
import { Session } from "./session.js";
import { Settler } from "./settler.js";
import { Slots } from "./slots.js";

/** Milliseconds that the last ends, and the end of the session, have to be written. */
const LAST_WORDS = 5_000;

/** Milliseconds between two looks at the clock. */
const TICK = 100;

export interface EngineOptions {
  readonly connection: Connection;
  /** The body of `POST /sessions`. */
  readonly profile: Profile;
  readonly handlers: ReadonlyMap<string, Handler>;
  /** Seconds. */
  readonly timeout: number;
  /** Seconds. */
  readonly grace: number;
  readonly log: Log;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #api: LeaseApi;
  readonly #slots: Slots;
  readonly #settler: Settler;
  readonly #reporter: Reporter;
  readonly #stopping = new AbortController();
  readonly #closed = new AbortController();
  #session: Session | undefined;
  #stops = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#api = new LeaseApi(options.connection);
    this.#slots = new Slots(options.profile.capacity);
    const goesOn = async (milliseconds: number): Promise<boolean> => {
      await pause(milliseconds, this.#closed.signal);
      return !this.#closed.signal.aborted;
    };
    this.#reporter = new Reporter(this.#api, options.log);
    this.#settler = new Settler(this.#api, this.#reporter, options.log, goesOn);
  }

  /** Begins to stop; a second call ends the grace. */
  stop(): void {
    this.#stops += 1;
    this.#stopping.abort();
    this.#slots.wake();
  }

  /** Runs jobs until it is stopped. Throws what the API refuses when a session is opened. */
  async run(): Promise<void> {
    let shortLives = 0;
    try {
      for (let session = await this.#open(); session !== undefined; session = await this.#open()) {
        const openedAt = now();
        this.#session = session;
        await this.#serve(session);
        // A session that dies at once will do so again.
        shortLives = now() - openedAt < LAST_WORDS ? shortLives + 1 : 0;
        if (shortLives > 0) await this.#pause(delay(shortLives, Math.random()));
      }
    } finally {
      await this.#drain();
      this.#closed.abort();
      this.#reporter.stop();
    }
  }

  /** None: it was told to stop. */
  async #open(): Promise<Session | undefined> {
    const { profile, log } = this.#options;
    if (this.#stops > 0) return undefined;
    let sentAt = now();
    const request = (): Promise<Opened> => {
      sentAt = now();
      return this.#api.openSession(profile);
    };
    try {
      const opened = await untilAnswered("open a session", log, request, (time) => this.#pause(time));
      log.info(`worker ${profile.name} has session ${opened.session}`);
      return new Session(opened, sentAt, log);
    } catch (error) {
      if (error instanceof GivenUp) return undefined;
      throw error;
    }
  }

  /** Until the session is lost or the worker is told to stop. */
  async #serve(session: Session): Promise<void> {
    startHeartbeat(this.#options.connection, session);
    const watch = setInterval(() => session.look(), TICK);
    session.over.addEventListener("abort", () => {
      clearInterval(watch);
      // Its claimer may wait for a slot.
      this.#slots.wake();
    });
    const start = (of: Session, claim: number, leases: readonly Lease[]): void => this.#start(of, claim, leases);
    void new Claimer(this.#api, session, this.#slots, start, () => this.#stops === 0).run();
    await once(session.over, this.#stopping.signal);
  }

  #start(session: Session, claim: number, leases: readonly Lease[]): void {
    const made = leases.map(
      (lease) => new Attempt(lease, session, this.#settler.add, lease.timeout_seconds ?? this.#options.timeout),
    );
    for (const attempt of session.enter(claim, made)) {
      if (this.#stops > 0) {
        attempt.stop("shutdown");
        continue;
      }
      this.#slots.take();
      void runHandler(this.#options.handlers.get(attempt.lease.kind), attempt, this.#api, this.#reporter)
        .catch((error: unknown) => this.#options.log.error("could not run a handler", error))
        .finally(() => this.#slots.giveBack());
    }
  }

  /** Lets handlers end, gives back what is left, and closes the session. */
  async #drain(): Promise<void> {
    const session = this.#session;
    if (session === undefined || !session.holds()) return;
    const ends = now() + this.#options.grace * 1000;
    while (this.#stops < 2 && now() < ends && session.holds()) {
      const running = session.attempts().filter((attempt) => attempt.counts);
      if (running.length === 0) break;
      for (const attempt of running) attempt.isShuttingDown = true;
      await sleep(20);
    }
    for (const attempt of session.attempts()) attempt.stop("shutdown");
    if (!(await this.#settler.flush(LAST_WORDS))) {
      this.#options.log.warn("some ends could not be written; the API gives these jobs back");
    }
    if (!session.holds()) return;
    session.close();
    try {
      await this.#api.closeSession(session.id, LAST_WORDS);
    } catch (error) {
      this.#options.log.warn(`could not close session ${session.id}, which ends with its lease: ${String(error)}`);
    }
  }

  /** Waits, and says whether the worker goes on. */
  async #pause(milliseconds: number): Promise<boolean> {
    await pause(milliseconds, this.#stopping.signal);
    return this.#stops === 0;
  }
}

/** Resolved when one of the signals is aborted. */
function once(...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
}
