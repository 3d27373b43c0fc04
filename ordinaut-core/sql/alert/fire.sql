-- Let the alerts of the rules $1 about the subjects $2 fire that have held for $3 seconds, and tell
-- it. One that fires goes on.
with fired as (
    update ordinaut.alert
    set state = 'firing', fired_at = clock_timestamp()
    from unnest($1::text[], $2::text[], $3::float8[]) as seen(rule, subject, least)
    where alert.rule = seen.rule and alert.subject = seen.subject and state = 'pending'
      and pending_since <= clock_timestamp() - make_interval(secs => least)
    returning alert.*
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts, level, subject)
    select 'alert_firing', case about when 'queue' then subject else '' end, case about when 'kind' then subject else '' end,
           '{}', '{}', severity, id::text
    from fired
    order by rule, subject
)
select fired.*, false as silenced from fired order by rule, subject
