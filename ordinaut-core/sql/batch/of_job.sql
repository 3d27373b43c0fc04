-- The batch of the job $1; null: it has none.
select batch_id from ordinaut.job where id = $1::uuid
