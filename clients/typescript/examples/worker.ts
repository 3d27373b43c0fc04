import { Fatal, Retry, Worker } from "@ordinaut/client";

const { JOBS_URL: url = "", JOBS_TOKEN: token = "" } = process.env;
const worker = new Worker({ url, token, queues: ["node"], slots: 20, lease: 30 });

worker.handle<{ name: string }>("greet", async ({ name }) => {
  if (name === "") throw new Fatal("nobody has no name");
  return `hello ${name}`;
});

worker.handle<{ url?: string }>("fetch", async (args, ctx) => {
  const { url } = args;
  if (url === undefined) throw new Retry("the producer will send one soon", { after: 60 });
  return ctx.step("fetch", async () => (await fetch(url, { signal: ctx.signal })).status);
});

await worker.run();
