-- Somebody ($2) knows of the alert $1 and says $3, if it fires and nobody has said so before; that
-- is told. The answer has the alert as it is then.
with acknowledged as (
    update ordinaut.alert
    set acknowledged_at = clock_timestamp(), acknowledged_by = $2::text, note = $3::text
    where id = $1::uuid and state = 'firing' and acknowledged_at is null
    returning alert.*
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts, level, subject)
    select 'alert_acknowledged', case about when 'queue' then subject else '' end,
           case about when 'kind' then subject else '' end, '{}', '{}', severity, id::text
    from acknowledged
)
select alert.*, {{alert_silenced}} as silenced
from (
    select * from acknowledged
    union all
    select * from ordinaut.alert where id = $1::uuid and not exists (select from acknowledged)
) as alert
