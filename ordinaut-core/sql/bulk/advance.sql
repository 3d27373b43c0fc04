-- A batch of the bulk operation $1 is done: $2 jobs were looked at, it was done to $3, not to $4,
-- and $5 were held by somebody. The pass goes on behind the job $6; null: it is over. Then those
-- that were held are looked at again, $7 times at most.
update ordinaut.bulk
set started_at = coalesce(started_at, clock_timestamp()), looked = looked + $2::bigint, done = done + $3::bigint,
    skipped = skipped + $4::bigint + case when $6::uuid is null and passes + 1 >= $7::integer then busy + $5::bigint else 0 end,
    busy = case when $6::uuid is null then 0 else busy + $5::bigint end,
    passes = passes + case when $6::uuid is null then 1 else 0 end,
    after_job = coalesce($6::uuid, '00000000-0000-0000-0000-000000000000'), last_error = null,
    finished_at = case when $6::uuid is null and (busy + $5::bigint = 0 or passes + 1 >= $7::integer) then clock_timestamp() end
where id = $1::uuid
