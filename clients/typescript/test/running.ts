// Workers against the API in memory, until a test ends.

import type { TestContext } from "node:test";
import { type Log, Worker, type WorkerOptions } from "../src/index.js";
import { FakeApi } from "./fake_api.js";

export class Running {
  static async start(test: TestContext): Promise<Running> {
    const api = new FakeApi();
    const running = new Running(api, await api.start());
    test.after(async () => {
      api.refuse.clear();
      await running.stop({ grace: false });
      api.stop();
    });
    return running;
  }

  /** What workers logged. */
  readonly lines: string[] = [];
  readonly #running: { worker: Worker; ended: Promise<void> }[] = [];

  private constructor(
    readonly api: FakeApi,
    readonly url: string,
  ) {}

  worker(options: Partial<WorkerOptions> = {}): Worker {
    const note = (message: string): void => void this.lines.push(message);
    const log: Log = { info: note, warn: note, error: note };
    return new Worker({ url: this.url, token: "token", log, ...options });
  }

  run(worker: Worker): Worker {
    this.#running.push({ worker, ended: worker.run({ signals: false }) });
    return worker;
  }

  async stop(options: { grace: boolean } = { grace: true }): Promise<void> {
    for (const { worker } of this.#running) {
      worker.stop();
      if (!options.grace) worker.stop();
    }
    await Promise.all(this.#running.splice(0).map(({ ended }) => ended));
  }
}

/** A promise that a test resolves. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open: () => open() };
}
