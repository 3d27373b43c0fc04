-- Add what was settled for sessions that several processes serve ($1: {queue: {outcome: count}}).
--
-- It does not wait for the disk, as a renewal that stores counts does not.
with lazily as materialized (
    select set_config('synchronous_commit', 'off', true)
)
insert into ordinaut.outcome_count (queue, outcome, ended)
select queue.key, outcome.key, outcome.value::bigint
from lazily, jsonb_each($1::text::jsonb) as queue, jsonb_each_text(queue.value) as outcome
