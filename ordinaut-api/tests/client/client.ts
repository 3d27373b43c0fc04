// A program that knows the API by its document alone: it enqueues a job, waits for its end, reads it, and finds it in
// a list. ops/test-api.sh compiles it against types that are generated from the document, and runs it.

import createClient from "openapi-fetch";
import type { components, paths } from "./ordinaut.js";

declare const process: { env: Record<string, string | undefined> };

type Job = components["schemas"]["Job"];

const { ORDINAUT_URL: baseUrl, ORDINAUT_TOKEN: token } = process.env;
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });

function must<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.url}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

function equal<T>(found: T, expected: T): void {
  if (found !== expected) throw new Error(`found ${found} instead of ${expected}`);
}

const enqueued = must(await client.POST("/jobs", { body: { kind: "echo", args: { say: "hello" }, tags: ["typed"] } }));
if (!("id" in enqueued)) throw new Error("one job has one answer");
const path = { id: enqueued.id };

const many = must(await client.POST("/jobs", { body: [{ kind: "echo" }, { kind: "echo", unique: { key: "k" } }] }));
if (!("jobs" in many)) throw new Error("several jobs have several answers");
equal(many.jobs.length, 2);

const ended = must(await client.GET("/jobs/{id}/result", { params: { path, query: { wait: 30 } } }));
if (!("outcome" in ended)) throw new Error(`it has not ended: ${ended.state}`);
equal(ended.outcome, "succeeded");

const job: Job = must(await client.GET("/jobs/{id}", { params: { path } }));
equal(job.state, "succeeded");
equal(job.runs[0]?.attempt, 1);

const page = must(await client.GET("/jobs", { params: { query: { tag: "typed", state: "succeeded", limit: 5 } } }));
equal(page.jobs.some((listed) => listed.id === enqueued.id), true);

const { error } = await client.GET("/jobs/{id}", { params: { path: { id: "00000000-0000-7000-8000-000000000000" } } });
equal(error?.status, 404);

// The types say no to these: they are not `any`. None of them is called.
export const refused = [
  // @ts-expect-error a job has a kind
  () => client.POST("/jobs", { body: {} }),
  // @ts-expect-error no state is called so
  () => client.GET("/jobs", { params: { query: { state: "asleep" } } }),
  // @ts-expect-error there is no such route
  () => client.GET("/no-such-route"),
  // @ts-expect-error no job has this field
  () => job.colour,
];

console.log(`a generated client enqueued job ${job.id}, and read that it ${job.state}`);
