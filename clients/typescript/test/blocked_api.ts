// The API in memory as a process: it says where it is, and how its one job ended after how many heartbeats.

import { FakeApi, until } from "./fake_api.js";

const api = new FakeApi();
api.lease = 1;
const job = api.add("block");
process.send?.({ url: await api.start() });
await until(() => job.ends.length > 0);
process.send?.({ ends: job.ends.map(({ outcome }) => outcome), beats: api.count("/sessions/heartbeat") });
