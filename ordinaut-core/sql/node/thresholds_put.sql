-- Let the thresholds of the node $1 ('*': of all) be $2.
insert into ordinaut.node_threshold (node, thresholds)
values ($1::text, $2::jsonb)
on conflict (node) do update set thresholds = excluded.thresholds, updated_at = clock_timestamp()
