-- The partitions of job, run, step and output that lie wholly over $1 seconds back, those of event
-- $2, and those of fire $3.
select part
from (values ('job', interval '1 week', $1::float8), ('run', interval '1 week', $1::float8), ('step', interval '1 week', $1::float8),
             ('output', interval '1 week', $1::float8),
             ('event', interval '1 day', $2::float8), ('fire', interval '1 week', $3::float8)) as family(parent, span, age)
cross join ordinaut.past_partitions('ordinaut.' || parent, span, clock_timestamp() - make_interval(secs => age)) as part
