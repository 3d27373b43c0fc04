-- The calendars $1, or all of them.
select name, mode, dates from ordinaut.calendar where $1::text[] is null or name = any($1::text[]) order by name
