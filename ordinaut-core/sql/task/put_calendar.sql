-- Give the calendar $1 a mode ($2) and dates ($3), and name the tasks that go by it.
with put as (
    insert into ordinaut.calendar (name, mode, dates)
    values ($1::text, $2::text, $3::date[])
    on conflict (name) do update set mode = excluded.mode, dates = excluded.dates, updated_at = clock_timestamp()
)
select id from ordinaut.task where definition -> 'calendars' ? $1::text
