// What can go wrong between a program and the API.

/** What every error of this package is. */
export class OrdinautError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A problem document (RFC 9457), as far as it is known. */
export interface ProblemDocument {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly field?: string;
  readonly reason?: string;
  readonly [member: string]: unknown;
}

/** The API refused a request. */
export class ApiError extends OrdinautError {
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** The part of the request at fault. */
  readonly field: string | undefined;
  /** What programs go by where one status has several meanings, such as `lease_lost`. */
  readonly reason: string | undefined;

  constructor(
    readonly status: number,
    /** All members, such as `job_id` of the job that holds a unique key. */
    readonly document: ProblemDocument,
    /** Seconds after which the API wants to be asked again. */
    readonly retryAfter?: number,
  ) {
    const field = document.field === undefined ? "" : ` (${document.field})`;
    super(`${status} ${document.title ?? ""}${field}: ${document.detail ?? ""}`);
    this.type = document.type ?? "about:blank";
    this.title = document.title ?? "";
    this.detail = document.detail ?? "";
    this.field = document.field;
    this.reason = document.reason;
  }
}

/** One request had no answer. It may have been carried out. */
export class NoAnswer extends OrdinautError {}

/** No answer came, however often the request was repeated. It may still have been carried out. */
export class Unreachable extends OrdinautError {}

/** A job had not ended when the time to wait for it was over. */
export class ResultTimeout extends OrdinautError {}
