-- Tasks that go on and hold a key that begins with $1, behind its tenant if it has one, but for
-- those of the keys $2; of the tenant $3 that the caller sees.
select task_id
from ordinaut.task_key
join ordinaut.task on task.id = task_key.task_id
where starts_with(substr(key, strpos(key, e'\n') + 1), $1::text) and ($3::text is null or task.tenant = $3::text)
  and held_until > clock_timestamp() and key <> all($2::text[]) and task.status <> 'cancelled'
order by task_id
