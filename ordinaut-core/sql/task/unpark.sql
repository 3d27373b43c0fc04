-- Let the jobs wait again that the pause of the task $1 had set aside.
with unparked as (
    delete from ordinaut.parked
    where reason = 'task_paused' and key = $1::uuid::text
    returning parked.*
), {{unparked}}
select distinct queue from unparked
