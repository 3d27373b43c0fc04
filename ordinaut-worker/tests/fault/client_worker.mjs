// What http_worker.py does, with the package of clients/typescript, whose place ORDINAUT_CLIENT names.
//
// Usage: client_worker.mjs URL TOKEN SLOTS LEASE_SECONDS
const { Worker } = await import(process.env.ORDINAUT_CLIENT);
const [url, token, slots, lease] = process.argv.slice(2);
const worker = new Worker({ url, token, slots: Number(slots), lease: Number(lease), maxAttempts: 21 });

worker.handle("http", async (args, ctx) => {
  const headers = { "x-ordinaut-token": ctx.lease.token, "idempotency-key": ctx.lease.token };
  const answer = await fetch(args.url, { headers, signal: ctx.signal });
  await answer.text();
});

await worker.run();
