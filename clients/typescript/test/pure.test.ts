// What decides without a clock or a connection.

import assert from "node:assert/strict";
import { test } from "node:test";
import { delay, retryAfter } from "../src/backoff.js";
import { Cancel, Fatal, Retry, Snooze, Suspended, Unavailable } from "../src/index.js";
import { Book } from "../src/worker/book.js";
import { now, Validity } from "../src/worker/clock.js";
import { returned, stopped, thrown, written } from "../src/worker/end.js";
import { fault, numbered } from "../src/worker/step_name.js";
import { outweighs } from "../src/worker/stop.js";

test("waits grow to a cap", () => {
  assert.deepEqual([1, 2, 3].map((n) => delay(n, 1)), [100, 200, 400]);
  assert.deepEqual([delay(1000, 1), delay(1, 0)], [5000, 50]);
  assert.deepEqual(["3", null, "tomorrow"].map(retryAfter), [3, undefined, undefined]);
});

test("a name that comes again is another one", () => {
  assert.deepEqual([1, 2, 10].map((nth) => numbered("mail", nth)), ["mail", "mail#2", "mail#10"]);
  for (const name of ["mail#2", "", "a\nb", "x".repeat(201)]) assert.ok(fault(name), name);
  assert.equal(fault("send the mail"), undefined);
  const book = new Book();
  book.add("mail", 1);
  book.add("mail#2", null);
  const found = [1, 2, 3].map(() => book.find(book.name("mail")));
  assert.deepEqual(found, [{ result: 1 }, { result: null }, undefined]);
  assert.throws(() => book.name("a#2"), /must not contain #/);
});

test("what a handler throws says what becomes of its job", () => {
  assert.deepEqual(thrown(new Retry("busy", { after: 3 })), { outcome: "failed", error: "busy", after_seconds: 3 });
  assert.deepEqual(thrown(new Snooze(5)), { outcome: "snoozed", after_seconds: 5 });
  assert.deepEqual(thrown(new Cancel("nobody wants it")), { outcome: "cancelled", error: "nobody wants it" });
  assert.deepEqual(thrown(new Fatal("never")), { outcome: "dead", error: "never" });
  const down = thrown(new Unavailable("billing", "it answered 503", { host: "a:80" }));
  assert.deepEqual(down, { outcome: "unavailable", error: "it answered 503", target: "billing", host: "a:80" });
  assert.equal(JSON.parse(written(down, "t", 1)).target, "billing");
  assert.deepEqual(thrown(new Suspended(2.5)), { outcome: "waiting", after_seconds: 2.5 });
  for (const after of [-1, NaN, Infinity]) {
    assert.throws(() => new Snooze(after), /after must be from 0/);
    assert.throws(() => new Retry("", { after }), /after must be from 0/);
  }
  const error = new TypeError("no address", { cause: new Error("no port") });
  assert.deepEqual(thrown(error), { outcome: "failed", error: "TypeError: no address: Error: no port" });
  assert.deepEqual(thrown("text"), { outcome: "failed", error: "text" });
  assert.equal(stopped("lease_lost", 1), undefined);
  assert.deepEqual(stopped("timed_out", 1.5), { outcome: "failed", error: "timed out after 1.5 s" });
  assert.ok(outweighs("lease_lost", "shutdown") && outweighs("cancelled", undefined));
  assert.ok(!outweighs("cancelled", "cancelled"));
});

test("what cannot be kept as output buries the job", () => {
  assert.deepEqual(returned(undefined), { outcome: "succeeded" });
  assert.deepEqual(returned(null), { outcome: "succeeded", output: "null" });
  const circle: unknown[] = [];
  circle.push(circle);
  for (const value of [1n, circle, () => 1, "\ud800", { a: "\\\ud800" }, "x".repeat(70_000)]) {
    assert.equal(returned(value).outcome, "dead", typeof value);
  }
  assert.equal(returned("\\ud800").outcome, "succeeded", "a text about an escape is none");
  assert.equal(returned("😀").outcome, "succeeded");
});

test("an end is JSON, whatever its error holds", () => {
  const end = JSON.parse(written({ outcome: "failed", error: "a\0b\ud800" }, "t", 0.5));
  assert.deepEqual(end, { token: "t", outcome: "failed", ran_seconds: 0.5, error: "a\\0b\ufffd" });
  const { output } = JSON.parse(written({ outcome: "succeeded", output: '{"ä":1}' }, "t", 0.5));
  assert.deepEqual(output, { ä: 1 });
});

test("without a heartbeat a session is over before the lease is, and stays so", () => {
  const renewed = Validity.open(now() - 24_000, 30);
  assert.ok(renewed.holds());
  renewed.renew(now() - 26_000, 30);
  assert.ok(!renewed.holds(), "the lease runs from when the heartbeat was sent");
  renewed.renew(now(), 30);
  assert.ok(!renewed.holds(), "an answer that comes late revives nothing");
  const other = new Validity(Validity.open(now(), 30).memory);
  assert.ok(other.holds(), "another thread reads the same");
});
