-- One bulk operation.
select * from ordinaut.bulk where id = $1::uuid
