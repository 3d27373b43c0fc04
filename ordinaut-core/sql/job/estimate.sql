-- The number of rows of its source that the planner expects to be of a list, without reading one.
-- $1 is the source, $2 and $3 its ids, $4 state, $5 kind, $6 queue, $7 the queues that the caller
-- sees, $8 tag, $9 tenant, $10 task, $11 a part of the arguments and $12 batch, where one is named.
-- Arms of other sources are false before they are planned.
explain (format json)
select from ordinaut.job
where $1::text in ('all', 'tenant', 'task', 'batch') and id >= $2::uuid and id < $3::uuid
  and ($5::text is null or kind = $5::text) and ($6::text is null or queue = $6::text)
  and ($7::text[] is null or queue = any($7::text[])) and ($8::text is null or tags @> array[$8::text])
  and ($9::text is null or tenant = $9::text) and ($10::uuid is null or task_id = $10::uuid)
  and ($11::jsonb is null or args @> $11::jsonb) and ($12::uuid is null or batch_id = $12::uuid)
union all
select from ordinaut.due_work
where $1::text in ('unfinished', 'running') and job_id >= $2::uuid and job_id < $3::uuid
  and ($4::text is null or (session is not null) = ($4::text = 'running'))
  and ($4::text = 'scheduled' and run_at > now() or $4::text = 'waiting' and run_at <= now() or ($4::text in ('scheduled', 'waiting')) is not true)
  and ($5::text is null or kind = $5::text) and ($6::text is null or queue = $6::text)
  and ($7::text[] is null or queue = any($7::text[]))
union all
select from ordinaut.parked
where $1::text = 'parked' and ($5::text is null or kind = $5::text) and ($6::text is null or queue = $6::text)
union all
select from ordinaut.dead_letter
where $1::text = 'dead' and ($5::text is null or kind = $5::text) and ($6::text is null or queue = $6::text)
union all
select from ordinaut.run
where $1::text in ('ended', 'unsuccessful') and job_id >= $2::uuid and job_id < $3::uuid
  and ($4::text is null or outcome = $4::text) and ($1::text = 'ended' or outcome <> 'succeeded')
