// What a producer sends, and how often.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, Client, type ClientOptions, ResultTimeout, Unreachable } from "../src/index.js";

interface Sent {
  readonly url: URL;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: any;
}

type Scripted = Response | Error;

/** A client whose requests are answered in their order. */
function client(answers: Scripted[], options: Partial<ClientOptions> = {}): { producer: Client; sent: Sent[] } {
  const sent: Sent[] = [];
  const answer = (async (url: URL, init: RequestInit) => {
    const headers = init.headers as Record<string, string>;
    sent.push({ url, method: init.method ?? "", headers, body: init.body ? JSON.parse(String(init.body)) : undefined });
    const next = answers.shift();
    if (next instanceof Response) return next;
    throw next ?? new Error("no answer is left");
  }) as typeof fetch;
  return { producer: new Client({ url: "http://api/api/v1/", token: "secret", fetch: answer, ...options }), sent };
}

function json(status: number, document: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(document), { status, headers });
}

const lost = (): Error => new TypeError("fetch failed", { cause: new Error("the answer was lost") });
const made = (): Response => json(201, { id: "j-1" });

test("what may be repeated is repeated under the same key", async () => {
  const faults: [string, () => Scripted][] = [
    ["lost", lost],
    ["503", () => json(503, { status: 503 })],
    ["429", () => json(429, { status: 429 }, { "retry-after": "0" })],
    ["a proxy", () => new Response("<html>", { status: 502 })],
  ];
  for (const [name, fault] of faults) {
    const { producer, sent } = client([fault(), made()]);
    const enqueued = await producer.enqueue("mail", { to: "ann" }, { queue: "q", delay: 90 });
    assert.deepEqual(enqueued, { id: "j-1", duplicate: false }, name);
    const [first, second] = sent;
    assert.deepEqual(first, second);
    assert.deepEqual(first?.body, { kind: "mail", args: { to: "ann" }, queue: "q", delay: 90 });
    assert.equal(first?.headers["authorization"], "Bearer secret");
    assert.match(first?.headers["idempotency-key"] ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(first?.url.pathname, "/api/v1/jobs");
  }
});

test("two calls have two keys, and a given one is sent", async () => {
  const { producer, sent } = client([made(), made(), made()]);
  await producer.enqueue("mail");
  await producer.enqueue("mail");
  await producer.enqueue("mail", {}, { idempotencyKey: "order-7" });
  await assert.rejects(producer.enqueue("mail", {}, { idempotencyKey: "schlüssel" }), /idempotencyKey must be/);
  const keys = new Set(sent.map(({ headers }) => headers["idempotency-key"]));
  assert.equal(keys.size, 3);
  assert.ok(keys.has("order-7"));
  assert.deepEqual(sent[2]?.body, { kind: "mail", args: {} });
});

test("a refusal is thrown with its field, and not repeated", async () => {
  const problem = { type: "about:blank", title: "Unprocessable Entity", status: 422, field: "priority" };
  const { producer } = client([json(422, { ...problem, detail: "priority must be from 1 to 9" })]);
  await assert.rejects(producer.enqueue("mail", {}, { priority: 10 }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.title, error.field], [422, "Unprocessable Entity", "priority"]);
    assert.equal(error.message, "422 Unprocessable Entity (priority): priority must be from 1 to 9");
    return true;
  });
});

test("patience ends", async () => {
  const { producer } = client(Array.from({ length: 20 }, lost), { patience: 0.3 });
  await assert.rejects(producer.enqueue("mail"), Unreachable);
  const later = client([json(429, { status: 429 }, { "retry-after": "60" })], { patience: 5 });
  await assert.rejects(later.producer.enqueue("mail"), ApiError);
  assert.throws(() => new Client({ url: "no url", token: "" }), /Invalid URL/);
});

test("many jobs are one request", async () => {
  const { producer, sent } = client([json(201, { jobs: [{ id: "a" }, { id: "b", duplicate: true }] })]);
  const jobs = [{ kind: "a" }, { kind: "b", after: [0] }];
  const many = await producer.enqueueMany(jobs);
  assert.deepEqual(many.map(({ duplicate }) => duplicate), [false, true]);
  assert.deepEqual(sent[0]?.body, jobs);
});

test("jobs go from page to page, also over an empty one", async () => {
  const pages = (): Response[] => [
    json(200, { jobs: [{ id: "2" }], next: "2" }),
    json(200, { jobs: [], next: "1" }),
    json(200, { jobs: [{ id: "1" }], next: null }),
  ];
  const { producer, sent } = client(pages());
  const found: string[] = [];
  for await (const job of producer.jobs({ state: "dead", limit: 1, args: { "customer.id": 7 } })) found.push(job.id);
  assert.deepEqual(found, ["2", "1"]);
  assert.equal(sent[0]?.url.search, "?state=dead&limit=1&args.customer.id=7");
  assert.deepEqual(sent.map(({ url }) => url.searchParams.get("before")), [null, "2", "1"]);
  const oldest = client(pages());
  for await (const job of oldest.producer.jobs({ sort: "created_at" })) assert.ok(job.id);
  assert.deepEqual(oldest.sent.map(({ url }) => url.searchParams.get("after")), [null, "2", "1"]);
});

test("a result is waited for", async () => {
  const ended = { outcome: "dead", attempt: 2, error: "no", output: null };
  const { producer, sent } = client([json(202, { state: "running" }), json(200, ended), json(202, { state: "running" })]);
  assert.deepEqual(await producer.result("j-1"), ended);
  await assert.rejects(producer.result("j-1", { timeout: 0 }), ResultTimeout);
  assert.deepEqual(sent.map(({ url }) => url.searchParams.get("wait")), ["30.000", "30.000", "0.000"]);
});

test("ids are one segment of the path", async () => {
  const { producer, sent } = client([json(200, { cancelled: "now" }), json(200, { tasks: 1, jobs: 2 }), json(200, { id: "x" })]);
  assert.equal(await producer.cancel("a/../b"), "now");
  assert.deepEqual(await producer.publish("orders.7.paid", { sum: 3 }, { key: "order-7" }), { tasks: 1, jobs: 2 });
  await producer.requeue("x");
  assert.equal(sent[0]?.url.pathname, "/api/v1/jobs/a%2F..%2Fb/cancel");
  assert.equal(sent[1]?.body.key, "order-7");
  assert.equal(sent[2]?.url.pathname, "/api/v1/dead/x/requeue");
});
