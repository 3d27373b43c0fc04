-- Batches whose deadline has passed are stopped: the fold cancels what is left of them.
with expired as (
    update ordinaut.batch
    set stopping = 'expired'
    where id = any(array(
        select id from ordinaut.batch
        where deadline <= clock_timestamp() and deadline is not null and ended_at is null and stopping is null
        limit 100
        for update skip locked
    ))
    returning id
), asked as (
    insert into ordinaut.followed_end (job_id, outcome) select id, 'stop' from expired
)
select count(*) from expired
