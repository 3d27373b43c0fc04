-- Give the job $1, which this transaction has made, the unique key $2 that it holds, for $3 seconds
-- after its end, and the flags $4; if it has to wait for the job $5, it is parked behind that.
with keyed as (
    update ordinaut.job set unique_key = $2::bytea, unique_after_end = make_interval(secs => $3::float8) where id = $1::uuid
), waiting as (
    update ordinaut.due_work set flags = flags | $4::smallint where job_id = $1::uuid and $5::uuid is null
), deleted_work as (
    delete from ordinaut.due_work where job_id = $1::uuid and $5::uuid is not null returning *
)
insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
select job_id, run_at, priority, attempt, failures, flags | $4::smallint, queue, kind, 'run_again', $5::text
from deleted_work
