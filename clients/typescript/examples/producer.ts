import { ApiError, Client } from "@ordinaut/client";

const { JOBS_URL: url = "", JOBS_TOKEN: token = "" } = process.env;
const client = new Client({ url, token });

const { id } = await client.enqueue("greet", { name: "ann" }, { queue: "node", priority: 2, tags: ["signup"] });
await client.enqueueMany(["bob", "eve"].map((name) => ({ kind: "greet", args: { name }, queue: "node" })));

try {
  await client.enqueue("greet", {}, { priority: 10 });
} catch (error) {
  if (error instanceof ApiError) console.log(error.status, error.field, error.detail);
}

const { outcome, output } = await client.result(id, { timeout: 60 });
console.log(outcome, output);
for await (const job of client.jobs({ queue: "node", state: "succeeded" })) console.log(job.id, job.kind);
