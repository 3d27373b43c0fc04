-- The task that holds the key $1.
select task_id from ordinaut.task_key where key = $1::text and held_until > clock_timestamp()
