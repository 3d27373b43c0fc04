-- A batch ("batch") as it is shown. Members that came since the last fold are counted too.
batch.id, batch.name, batch.state, batch.succeeded, batch.dead, batch.cancelled, batch.on_dead, batch.on_success, batch.on_complete,
       batch.deadline, batch.tenant, batch.created_by, batch.created_at, batch.ended_at, batch.stopping,
       batch.total + coalesce((
           select sum(n)::bigint from ordinaut.followed_end where followed_end.job_id = batch.id and followed_end.outcome = 'added'
       ), 0) as total
