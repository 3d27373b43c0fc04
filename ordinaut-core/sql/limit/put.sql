-- Store the limit $1, new or changed.
insert into ordinaut.job_limit (name, queue, kind, key, weight, concurrency, rate, burst, per_process, ordered,
                                per_tenant)
values ($1::text, $2::text, $3::text, string_to_array($4::text, '.'), string_to_array($5::text, '.'), $6::integer,
        $7::float8, $8::float8, $9::boolean, $10::boolean, $11::boolean)
on conflict (name) do update
set queue = excluded.queue, kind = excluded.kind, key = excluded.key, weight = excluded.weight,
    concurrency = excluded.concurrency, rate = excluded.rate, burst = excluded.burst,
    per_process = excluded.per_process, ordered = excluded.ordered, per_tenant = excluded.per_tenant,
    updated_at = clock_timestamp()
