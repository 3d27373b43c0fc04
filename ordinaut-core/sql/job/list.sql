-- Jobs, the newest first, of ids from $2 to below $3: up to $5 that match among the next $4 rows.
-- $1 says where these rows are: of the arms one alone reads anything, in the order of its index. So
-- what is rare takes several looks, and none takes long. Rows are compared as a whole where the
-- index of all ids would else be walked. The blocks have the other parameters.
with looked as materialized (
    (select id, {{job_matches}} as matches from ordinaut.job
     where $1::text = 'all' and id >= $2::uuid and id < $3::uuid
     order by id desc limit $4::bigint)
    union all
    (select id, {{job_matches}} from ordinaut.job
     where $1::text = 'tenant' and tenant is not null and id >= $2::uuid and id < $3::uuid
       and (tenant, id) >= ($11::text, $2::uuid) and (tenant, id) < ($11::text, $3::uuid)
     order by tenant desc, id desc limit $4::bigint)
    union all
    (select id, {{job_matches}} from ordinaut.job
     where $1::text = 'task' and task_id is not null and id >= $2::uuid and id < $3::uuid
       and (task_id, id) >= ($12::uuid, $2::uuid) and (task_id, id) < ($12::uuid, $3::uuid)
     order by task_id desc, id desc limit $4::bigint)
    union all
    (select id, {{job_matches}} from ordinaut.job
     where $1::text = 'batch' and batch_id is not null and id >= $2::uuid and id < $3::uuid
       and (batch_id, id) >= ($22::uuid, $2::uuid) and (batch_id, id) < ($22::uuid, $3::uuid)
     order by batch_id desc, id desc limit $4::bigint)
    union all
    (select job_id, {{due_matches}} from ordinaut.due_work
     where $1::text = 'unfinished' and job_id >= $2::uuid and job_id < $3::uuid
     order by job_id desc limit $4::bigint)
    union all
    (select job_id, ($7::text is null or kind = $7::text) and ($8::text is null or queue = $8::text) from ordinaut.parked
     where $1::text = 'parked' and job_id >= $2::uuid and job_id < $3::uuid
     order by job_id desc limit $4::bigint)
    union all
    (select job_id, ($7::text is null or kind = $7::text) and ($8::text is null or queue = $8::text) from ordinaut.dead_letter
     where $1::text = 'dead' and job_id >= $2::uuid and job_id < $3::uuid
     order by job_id desc limit $4::bigint)
    union all
    (select job_id, ($6::text is null or outcome = $6::text) and {{run_matches}} from ordinaut.run
     where $1::text = 'ended' and job_id >= $2::uuid and job_id < $3::uuid
     order by job_id desc, attempt desc limit $4::bigint)
    union all
    (select job_id, ($6::text is null or outcome = $6::text) and {{run_matches}} from ordinaut.run
     where $1::text = 'unsuccessful' and outcome <> 'succeeded' and job_id >= $2::uuid and job_id < $3::uuid
     order by job_id desc, attempt desc limit $4::bigint)
    union all
    (select id, true from unnest($21::uuid[]) with ordinality as given(id, place)
     where $1::text = 'running' order by place limit $4::bigint)
), {{listed_jobs}}
