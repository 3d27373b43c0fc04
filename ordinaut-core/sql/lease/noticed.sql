-- Of the leases that a program says it runs ($1 job, $2 attempt, $3 session, $4 nonce): those that
-- it holds no more, those whose jobs it was asked to stop, because they are stalled or for another
-- reason, and those whose jobs were given parameters. Each is looked up by key.
select asked.job_id, asked.attempt, work.flags is null as lost,
       work.flags is not null and work.flags & ordinaut.flag_cancel_asked() <> 0 as cancel,
       work.flags is not null and work.flags & ordinaut.flag_attached() <> 0 as attached,
       work.flags is not null and work.flags & ordinaut.flag_cancel_asked() <> 0 and exists (
           select from ordinaut.progress
           where progress.job_id = asked.job_id and progress.attempt = asked.attempt
             and cancel_stalled and stalled_at is not null
           offset 0
       ) as stalled
from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[]) as asked(job_id, attempt, session, nonce)
left join lateral (
    select flags
    from ordinaut.due_work
    where due_work.job_id = asked.job_id and due_work.attempt = asked.attempt
      and due_work.session = asked.session and due_work.nonce = asked.nonce
    offset 0
) work on true
where work.flags is null or work.flags & (ordinaut.flag_cancel_asked() | ordinaut.flag_attached()) <> 0
