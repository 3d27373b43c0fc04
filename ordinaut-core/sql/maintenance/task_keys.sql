-- Delete up to $1 keys of tasks whose time has passed.
delete from ordinaut.task_key
where ctid = any(array(select ctid from ordinaut.task_key where held_until < clock_timestamp() limit $1::bigint))
