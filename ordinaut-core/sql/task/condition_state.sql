-- Remember what was seen of the condition of the task $1.
update ordinaut.task set condition_state = $2::jsonb where id = $1::uuid
