-- Which job holds the unique key that the dead job $1 had; none, if it is free or that job itself holds it.
select unique_key.job_id
from ordinaut.dead_letter
join ordinaut.unique_key on unique_key.key = any(array[dead_letter.unique_key])
where dead_letter.job_id = $1::uuid and unique_key.job_id <> dead_letter.job_id
  and (unique_key.held_until is null or unique_key.held_until > clock_timestamp() or unique_key.leader is not null)
