-- Let workers of the version $2 run $3 percent of the jobs of the kind $1.
insert into ordinaut.rollout (kind, version, percent)
values ($1::text, $2::text, $3::smallint)
on conflict (kind) do update set version = excluded.version, percent = excluded.percent, set_at = clock_timestamp()
returning kind, version, percent, set_at
