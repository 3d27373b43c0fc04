-- The first number after $1 that the log has.
select n from ordinaut.event where n > $1::bigint order by n limit 1
