-- Whether a row of due_work is what a list asks for: the state $6, one of the sessions $14, the
-- kind $7 and the queue $8, where one is named.
($6::text is null or $6::text = case when due_work.session is not null then 'running'
                                          when due_work.run_at > now() then 'scheduled' else 'waiting' end)
     and ($14::bigint[] is null or due_work.session = any($14::bigint[]))
     and ($7::text is null or due_work.kind = $7::text) and ($8::text is null or due_work.queue = $8::text)
