// What a job has recorded, as one attempt knows it.

import { Fatal } from "./end.js";
import { fault, numbered } from "./step_name.js";

export class Book {
  readonly #results = new Map<string, unknown>();
  readonly #asked = new Map<string, number>();

  /** The name of the step that the handler asks for next by this name: `#2`, `#3` … when it comes again. */
  name(name: string): string {
    const reason = fault(name);
    if (reason !== undefined) throw new Fatal(`step ${JSON.stringify(name)}: name ${reason}`);
    const nth = (this.#asked.get(name) ?? 0) + 1;
    this.#asked.set(name, nth);
    return numbered(name, nth);
  }

  add(step: string, result: unknown): void {
    this.#results.set(step, result);
  }

  /** An object around the result, because that may be null. */
  find(step: string): { readonly result: unknown } | undefined {
    return this.#results.has(step) ? { result: this.#results.get(step) } : undefined;
  }
}
