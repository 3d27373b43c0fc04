-- Answer what waits for the ends of the jobs $1, which ended as $2 says. The jobs that have their
-- answer.
with ended as (
    select * from unnest($1::uuid[], $2::text[]) as e(id, outcome)
), answered as (
    update ordinaut.wait
    set answered_at = clock_timestamp(), answer = jsonb_build_object('outcome', ended.outcome)
    from ended
    where wait.awaited_job = ended.id and wait.answered_at is null
    returning wait.job_id
)
select distinct job_id from answered
