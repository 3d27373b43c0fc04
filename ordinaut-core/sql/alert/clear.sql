-- End what does not hold any more: all alerts but those of the rules $1, which could not be looked
-- at, and those of the rules $2 about the subjects $3, which hold. One that had not fired never
-- was; the others are told. The answer has them, and whether they are to be sent: they were sent
-- when they fired, and nobody silences them now.
with gone as materialized (
    select id
    from ordinaut.alert
    where state <> 'resolved' and rule <> all($1::text[])
      and not exists (
          select from unnest($2::text[], $3::text[]) as seen(rule, subject)
          where seen.rule = alert.rule and seen.subject = alert.subject)
    order by rule, subject
    for update
), forgotten as (
    delete from ordinaut.alert using gone where alert.id = gone.id and state = 'pending'
), resolved as (
    update ordinaut.alert
    set state = 'resolved', resolved_at = clock_timestamp()
    from gone
    where alert.id = gone.id and state = 'firing'
    returning alert.*
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts, level, subject)
    select 'alert_resolved', case about when 'queue' then subject else '' end, case about when 'kind' then subject else '' end,
           '{}', '{}', severity, id::text
    from resolved
    order by rule, subject
)
select alert.*, {{alert_silenced}} as silenced from resolved as alert order by rule, subject
