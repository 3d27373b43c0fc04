-- Whether there is a queue $1: a worker or an operator has named it, or a job waits in it.
select exists (select from ordinaut.queue where name = $1::text)
    or exists (select from ordinaut.due_work where queue = $1::text)
    or exists (select from ordinaut.parked where queue = $1::text)
