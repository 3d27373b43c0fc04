-- Remove the calendar $1, unless a task that is not cancelled goes by it; then that task is named.
with used as (
    select id
    from ordinaut.task
    where definition -> 'calendars' ? $1::text and status <> 'cancelled'
    limit 1
), deleted_calendar as (
    delete from ordinaut.calendar
    where name = $1::text and not exists (select from used)
    returning name
)
select (select id from used) as used_by, exists (select from deleted_calendar) as deleted
