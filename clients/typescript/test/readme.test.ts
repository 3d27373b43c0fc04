// README shows the examples, which are compiled, and against the real API they are run.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);
const examples = ["producer", "worker"];

test("README shows the examples as they are", () => {
  const blocks = readFileSync(new URL("README.md", root), "utf8").split("```ts\n").slice(1);
  const shown = blocks.map((block) => block.split("```")[0]);
  assert.deepEqual(shown, examples.map((name) => readFileSync(new URL(`examples/${name}.ts`, root), "utf8")));
});

const { JOBS_URL } = process.env;
test("the examples do what they say", { skip: JOBS_URL === undefined && "no API is named" }, async (t) => {
  const path = (name: string): string => fileURLToPath(new URL(`examples/${name}.js`, new URL("../", import.meta.url)));
  const worker = fork(path("worker"), { silent: true });
  t.after(() => worker.kill("SIGKILL"));
  const producer = fork(path("producer"), { silent: true });
  let told = "";
  producer.stdout?.on("data", (data) => (told += String(data)));
  const [code] = await once(producer, "exit");
  assert.equal(code, 0);
  assert.match(told, /^422 priority priority must be/);
  assert.match(told, /\nsucceeded hello ann\n/);
  worker.kill("SIGTERM");
  assert.deepEqual(await once(worker, "exit"), [0, null]);
});
