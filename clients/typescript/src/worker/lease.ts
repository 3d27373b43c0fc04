// A job that the worker may run, as `POST /leases` gives it. Its token proves the right to run the job: every write about it
// carries the token.

import type { components } from "../openapi.js";

export type Lease = components["schemas"]["Lease"];
