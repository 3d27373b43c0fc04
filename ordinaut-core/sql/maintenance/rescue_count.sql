-- Count ends of attempts ($1 queue, $2 outcome, $3 how many) that no living session counts.
insert into ordinaut.outcome_count (queue, outcome, ended)
select * from unnest($1::text[], $2::text[], $3::bigint[])
