-- Planned as a part of the statement that asks.
create or replace function limits_of(job_queue text, job_kind text, args jsonb, job_tenant text)
    returns table (name text, key text, weight integer, ordered boolean)
    language sql stable
begin atomic
    select job_limit.name,
           case
               when not job_limit.per_tenant then coalesce(limit_key(args, job_limit.key), '')
               when length(job_tenant) > 200 then md5(job_tenant)
               else job_tenant
           end,
           case when jsonb_typeof(args #> job_limit.weight) = 'number'
               then least(greatest(round((args #>> job_limit.weight)::numeric), 1), 1000000)::integer
               else 1 end,
           job_limit.ordered
    from job_limit
    where (job_limit.queue is null or job_limit.queue = job_queue)
      and (job_limit.kind is null or job_limit.kind = job_kind)
      and (job_limit.key is null or args #>> job_limit.key is not null)
      and (not job_limit.per_tenant or job_tenant is not null);
end;

comment on function limits_of is
    'The limits that concern a job, under which keys, and the room that it takes of each.';
