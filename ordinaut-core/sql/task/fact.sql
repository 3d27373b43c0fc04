-- The value that somebody pushed under the name $1.
select value from ordinaut.fact where name = $1::text
