-- Give the task $1 a definition ($2), a status ($3), a next instant ($4), a watch ($5): whoever holds its row has
-- decided them.
update ordinaut.task
set definition = $2::jsonb, status = $3::text, next_run_at = $4::timestamptz, watch = $5::jsonb, trouble = null,
    version = version + 1, updated_at = clock_timestamp()
where id = $1::uuid
returning id, definition, status, trouble, next_run_at, watch, version, created_at, updated_at
