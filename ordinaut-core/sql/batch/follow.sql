-- Follow the parents of the children $1, and the jobs $2, as far as these have not ended; those
-- that have, or that somebody has locked, are returned with what became of them. Nobody is waited
-- for.
select followed.job_id, followed.outcome
from ordinaut.follow(array(
    select parent_id from ordinaut.dependency where child_id = any($1::uuid[])
    union
    select unnest($2::uuid[])
    order by 1
), false) as followed
