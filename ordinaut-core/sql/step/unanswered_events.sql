-- Up to $1 events whose publisher has not looked for those that wait for them.
select n from ordinaut.published where not answered order by n limit $1::bigint
