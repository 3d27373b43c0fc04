-- $2 members came to the batch $1; the fold counts them.
insert into ordinaut.followed_end (job_id, outcome, n) values ($1::uuid, 'added', $2::integer)
