-- Whether a row of job is what a list asks for: kind ($7), queue ($8), one of the queues that the
-- caller sees ($9), tag ($10), tenant ($11), task ($12), batch ($22) and a part of the arguments
-- ($13), where one is named. Encrypted arguments are no arguments that could be compared.
($7::text is null or job.kind = $7::text) and ($8::text is null or job.queue = $8::text)
     and ($9::text[] is null or job.queue = any($9::text[])) and ($10::text is null or job.tags @> array[$10::text])
     and ($11::text is null or job.tenant = $11::text) and ($12::uuid is null or job.task_id = $12::uuid)
     and ($22::uuid is null or job.batch_id = $22::uuid)
     and ($13::jsonb is null or (job.args @> $13::jsonb and not job.args @? '$.encrypted.nonce'))
