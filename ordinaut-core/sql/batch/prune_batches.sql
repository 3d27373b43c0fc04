-- Delete up to $2 batches that ended over $1 seconds ago and of which no member is dead, and so can
-- be sent back.
delete from ordinaut.batch
where id = any(array(
    select id from ordinaut.batch
    where ended_at < clock_timestamp() - make_interval(secs => $1::float8)
      and not exists (select from ordinaut.dead_letter where dead_letter.batch_id = batch.id)
    limit $2::bigint
))
