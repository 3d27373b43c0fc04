-- Delete the tool $1.
delete from ordinaut.tool where name = $1::text
