-- Give the task $1 a definition ($2), a status ($3), a next instant ($4), a condition state ($5):
-- the transaction that holds its row has decided them. If the instant is the first one after $6, by
-- the zone data $7, that is kept too.
update ordinaut.task
set definition = $2::jsonb, status = $3::text, next_run_at = $4::timestamptz, condition_state = $5::jsonb, last_error = null,
    counted_run_at = case when $6::timestamptz is null then counted_run_at else $4::timestamptz end,
    counted_after = coalesce($6::timestamptz, counted_after),
    counted_wall = case when $6::timestamptz is null then counted_wall end,
    counted_by = case when $6::timestamptz is null then counted_by else $7::text end,
    version = version + 1, updated_at = clock_timestamp()
where id = $1::uuid
returning id, definition, status, last_error, next_run_at, condition_state, version, misfires, created_by, created_at, updated_at
