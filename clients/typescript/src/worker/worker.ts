// What a program makes to run jobs.

import { hostname } from "node:os";
import type { Connection } from "../http.js";
import type { Context } from "./context.js";
import { Retry } from "./end.js";
import { Engine } from "./engine.js";
import type { Handler, HandlerFunction } from "./handler.js";
import { type Log, stderr } from "./log.js";

const VERSION = "0.1.0";

export interface WorkerOptions extends Omit<Connection, "fetch"> {
  /** `["default"]` if not given. */
  readonly queues?: readonly string[];
  /** Host and process if not given. */
  readonly name?: string;
  /** Maximum number of jobs at once; 10 if not given. */
  readonly slots?: number;
  /** Seconds after which its jobs run elsewhere if nothing is heard of it; 30 if not given. */
  readonly lease?: number;
  /** Seconds that an attempt of a job may take which names no timeout; 3600 if not given. */
  readonly timeout?: number;
  /** Seconds for which handlers may go on when it stops; 30 if not given. */
  readonly grace?: number;
  /** How often jobs that name no number may fail. */
  readonly maxAttempts?: number;
  /** What it has, of what jobs may ask of their worker: `{ gpu: "", zone: "a" }`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The version of the program, for rollouts. */
  readonly version?: string;
  readonly log?: Log;
}

/** What is said of a kind beside its handler. */
export interface HandlerOptions {
  /** Seconds after which a job is stalled whose progress does not change, by `progress` or `advance`. */
  readonly stallsAfter?: number;
  /** Whether it is cancelled then. */
  readonly cancelStalled?: boolean;
}

/** Runs jobs of the kinds that it has handlers for. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #handlers = new Map<string, Handler>();
  #engine: Engine | undefined;

  constructor(options: WorkerOptions) {
    // A URL that cannot be one is said here, and not taken for an API that is away.
    new URL(options.url);
    this.#options = options;
  }

  /**
   * Sets the handler of a kind. `parse` checks the arguments and gives them their type; what it throws fails the attempt,
   * which is tried again: a deploy may mend it.
   */
  handle<Args = unknown>(
    kind: string,
    run: HandlerFunction<Args>,
    parse?: (args: unknown) => Args,
    options: HandlerOptions = {},
  ): this {
    if (this.#handlers.has(kind)) throw new Error(`there is a handler of ${JSON.stringify(kind)} already`);
    const read = (args: unknown): Args => {
      if (parse === undefined) return args as Args;
      try {
        return parse(args);
      } catch (error) {
        throw new Retry("args are not what the handler takes", { cause: error });
      }
    };
    this.#handlers.set(kind, { run: (args: unknown, ctx: Context) => run(read(args), ctx), ...options });
    return this;
  }

  /**
   * Runs jobs until SIGTERM or SIGINT, or until `stop`: then it claims nothing more, lets handlers end within the grace,
   * and gives back the rest. With `signals: false` the program handles signals itself.
   */
  async run(options: { readonly signals?: boolean } = {}): Promise<void> {
    if (this.#handlers.size === 0) throw new Error("a worker needs a handler");
    const engine = (this.#engine = this.#begin());
    const stop = (): void => engine.stop();
    const signals = options.signals === false ? [] : (["SIGTERM", "SIGINT"] as const);
    for (const signal of signals) process.on(signal, stop);
    try {
      await engine.run();
    } finally {
      for (const signal of signals) process.off(signal, stop);
    }
  }

  /** Begins to stop; a second call ends the grace. */
  stop(): void {
    this.#engine?.stop();
  }

  #begin(): Engine {
    const { url, token, queues = ["default"], slots = 10, lease = 30, timeout = 3600, grace = 30 } = this.#options;
    const { labels, version = VERSION, maxAttempts, name = `${hostname()}/${process.pid}`, log = stderr } = this.#options;
    const profile = {
      name,
      queues: [...queues],
      kinds: [...this.#handlers.keys()].sort(),
      capacity: slots,
      lease_seconds: lease,
      host: hostname(),
      version,
      language: `node ${process.versions.node}`,
      ...(maxAttempts === undefined ? {} : { max_attempts: maxAttempts }),
      ...(labels === undefined ? {} : { labels: { ...labels } }),
    };
    return new Engine({ connection: { url, token }, profile, handlers: this.#handlers, timeout, grace, log });
  }
}
