-- Tasks that go on and hold a key that begins with $1, but for those of the keys $2.
select task_id
from ordinaut.task_key
join ordinaut.task on task.id = task_key.task_id
where starts_with(key, $1::text) and held_until > clock_timestamp() and key <> all($2::text[]) and task.status <> 'cancelled'
order by task_id
