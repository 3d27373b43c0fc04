-- The number of jobs of the queue $1 and the kind $2, where one is named: dead letters if $3, else
-- jobs that have not ended.
select (select count(*) from ordinaut.due_work
        where not $3::boolean and (queue = $1::text) is not false and (kind = $2::text) is not false)
     + (select count(*) from ordinaut.parked
        where not $3::boolean and (queue = $1::text) is not false and (kind = $2::text) is not false)
     + (select count(*) from ordinaut.dead_letter
        where $3::boolean and (queue = $1::text) is not false and (kind = $2::text) is not false)
