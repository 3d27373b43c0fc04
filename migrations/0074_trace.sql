-- A job that came over HTTP says for which request, so that its worker's log can name it: beside
-- the trace in one column, so that jobs without either cost nothing more.
comment on column job.trace_context is
    'What the job was enqueued for: a W3C traceparent, request= and the number of a request, or both with a space between them.';

update schema_version set version = 74;
