// One request to the API, and what came back.

import { retryAfter } from "./backoff.js";
import { ApiError, NoAnswer, type ProblemDocument } from "./errors.js";

/** Where the API is, and how it is asked. */
export interface Connection {
  readonly url: string;
  readonly token: string;
  /** Instead of the global one; for tests. */
  readonly fetch?: typeof fetch;
}

export interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until it counts as not answered. */
  readonly timeout: number;
  /** Gives it up earlier. */
  readonly until?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly document: unknown;
}

/** Throws `ApiError` for an answer that is a problem, and `NoAnswer` for none. */
export async function send(connection: Connection, request: Request): Promise<Answer> {
  // Not `new URL(path, base)`, which would drop a path of the base.
  const url = new URL(connection.url.replace(/\/+$/, "") + request.path);
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
  const headers = {
    authorization: `Bearer ${connection.token}`,
    accept: "application/json",
    ...(request.body === undefined ? {} : { "content-type": "application/json" }),
    ...request.headers,
  };
  const abort = new AbortController();
  const giveUp = (): void => abort.abort(new Error("it was given up"));
  const timer = setTimeout(() => abort.abort(new Error(`nothing came for ${request.timeout} ms`)), request.timeout);
  // Not `AbortSignal.any`: the signal of a session lives long, and each request would leave something with it.
  request.until?.addEventListener("abort", giveUp);
  let response: Response;
  let text: string;
  try {
    response = await (connection.fetch ?? fetch)(url, {
      method: request.method,
      headers,
      signal: abort.signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    text = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new NoAnswer(`${request.method} ${request.path}: no answer: ${String(cause)}`, { cause: error });
  } finally {
    clearTimeout(timer);
    request.until?.removeEventListener("abort", giveUp);
  }
  if (response.ok) {
    try {
      return { status: response.status, document: text === "" ? undefined : JSON.parse(text) };
    } catch (error) {
      // A proxy answered in the API's place.
      throw new NoAnswer(`${request.method} ${request.path}: the answer is no JSON`, { cause: error });
    }
  }
  throw new ApiError(response.status, problem(response, text), retryAfter(response.headers.get("retry-after")));
}

function problem(response: Response, text: string): ProblemDocument {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === "object" && document !== null) return document as ProblemDocument;
  } catch {
    // A proxy answered in the API's place.
  }
  return { title: response.statusText, detail: text.slice(0, 500) };
}

/** A part of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}
