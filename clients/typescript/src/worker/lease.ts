// A job that the worker may run, as `POST /leases` gives it.

export interface Lease {
  /** Proves the right to run the job: every write about it carries the token. */
  readonly token: string;
  readonly job_id: string;
  readonly attempt: number;
  readonly kind: string;
  readonly queue: string;
  readonly priority: number;
  readonly args: unknown;
  readonly tags: readonly string[];
  readonly tenant: string | null;
  readonly created_at: string;
  readonly run_at: string;
  readonly scheduled_for: string | null;
  readonly failures: number;
  readonly max_attempts: number | null;
  readonly timeout_seconds: number | null;
  readonly checkpoint?: unknown;
  readonly traceparent?: string | null;
  readonly request_id?: string | null;
  readonly suspect: boolean;
}
