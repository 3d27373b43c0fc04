-- Such jobs do not wait because workers are slow, and no worker that is added to those that live
-- would help: that is for a person to mend. Health, metrics and scripts all ask this.
create or replace function stopped(of_queue text, of_kind text) returns text
    language sql stable
begin atomic
    select case
        when exists (select from queue where name in (of_queue, '*') and paused_at is not null) then 'queue_paused'
        when not bool_or(of_queue = any(queues)) then 'queue_unserved'
        when not bool_or(of_queue = any(queues) and of_kind = any(kinds)) then 'kind_unknown'
    end
    from (
        -- The last row is there so that there is one when no worker lives.
        select queues, kinds
        from worker
        where ended_at is null and expires_at > clock_timestamp()
          and not exists (select from drained_worker where drained_worker.name = worker.name)
        union all
        select '{}', '{}'
    ) taking;
end;

comment on function stopped is
    'Why nothing takes the jobs of a queue and kind (queue_paused, queue_unserved, kind_unknown); null: something does.';
