-- The target $1 with its hosts, for those that call it: a row for each host. Times are told from
-- the present, so that the clock of the reader does not matter.
select target.definition::text as definition, target_host.host, target_host.weight, target_host.state,
       target_host.failures, target_host.drained_at is not null as drained,
       extract(epoch from target_host.retry_at - clock_timestamp())::float8 as retry_in,
       extract(epoch from target_host.trial_until - clock_timestamp())::float8 as trial_left
from ordinaut.target
join ordinaut.target_host on target_host.target = target.name
where target.name = $1::text
order by target_host.place
