// What the API answers, as its OpenAPI document says.

import type { components, operations } from "./openapi.js";

type Schemas = components["schemas"];

export type Job = Schemas["Job"];
export type JobSummary = Schemas["JobSummary"];
export type JobState = Schemas["JobState"];
export type Outcome = Schemas["Outcome"];
export type Published = Schemas["Published"];
export type Result = Schemas["JobResult"];
export type JobPage = Schemas["JobPage"];

/** A job to enqueue; `docs/http-api.md` says what each field means. */
export type NewJob = Schemas["NewJob"];

/** What may be said of a job besides its kind and arguments. */
export type JobOptions = Omit<NewJob, "kind" | "args">;

/** A job that was enqueued, or the one that holds its unique key. */
export interface Enqueued {
  readonly id: string;
  readonly duplicate: boolean;
}

/** What a list of jobs asks for: those to which everything applies that is named. */
export type JobFilter = Omit<NonNullable<operations["listJobs"]["parameters"]["query"]>, "before" | "after"> & {
  /** Paths into the arguments with their values: `{"customer.id": 7}`. */
  args?: Readonly<Record<string, unknown>>;
};
