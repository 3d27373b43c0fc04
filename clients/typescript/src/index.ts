// Client and worker for Ordinaut, a job system on Postgres.

export type {
  Enqueued,
  Job,
  JobFilter,
  JobOptions,
  JobState,
  JobSummary,
  NewJob,
  Outcome,
  Published,
  Result,
} from "./answers.js";
export { Client, type ClientOptions, type Idempotent } from "./client.js";
export { ApiError, OrdinautError, type ProblemDocument, ResultTimeout, Unreachable } from "./errors.js";
export type { components, operations, paths } from "./openapi.js";
export type { Context } from "./worker/context.js";
export type { Approval, Decision } from "./worker/durable.js";
export { Cancel, Fatal, Retry, Snooze, Suspended, Unavailable } from "./worker/end.js";
export type { HandlerFunction } from "./worker/handler.js";
export type { Lease } from "./worker/lease.js";
export type { Log } from "./worker/log.js";
export type { LogLevel } from "./worker/reports.js";
export { Stopped, type StopReason } from "./worker/stop.js";
export { type HandlerOptions, Worker, type WorkerOptions } from "./worker/worker.js";
