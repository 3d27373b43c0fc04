-- Tells of a change of a task, queue, limit, worker or agent in the log of events, by whichever
-- door it is made: a trigger, so that no statement of ours, and nobody with psql, can forget it.
-- These tables change seldom; those of jobs have no trigger, because each statement that changes
-- jobs writes one event for all of them.
create or replace function note_change() returns trigger
    language plpgsql volatile
    set search_path from current
as $$
declare
    noun text := case tg_table_name when 'job_limit' then 'limit' when 'drained_worker' then 'worker'
                            when 'target_host' then 'target'
                            when 'kind_policy' then 'policy' else tg_table_name end;
    verb text := case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'changed' else 'deleted' end;
    about text;
    of_queue text := '';
    of_kind text := '';
begin
    case tg_table_name
        when 'task' then
            about := coalesce(new.id, old.id);
            of_queue := coalesce(new.queue, old.queue);
            of_kind := coalesce(new.kind, old.kind);
            if tg_op = 'UPDATE' and new.status <> old.status then
                verb := case new.status when 'active' then 'resumed' else new.status end;
            end if;
        when 'queue' then
            about := coalesce(new.name, old.name);
            of_queue := about;
            if tg_op = 'INSERT' and new.paused_at is not null then
                verb := 'paused';
            elsif tg_op = 'UPDATE' and (new.paused_at is null) <> (old.paused_at is null) then
                verb := case when new.paused_at is null then 'resumed' else 'paused' end;
            end if;
        when 'job_limit' then
            about := coalesce(new.name, old.name);
            of_queue := coalesce(new.queue, old.queue, '');
            of_kind := coalesce(new.kind, old.kind, '');
        when 'target' then
            about := coalesce(new.name, old.name);
        when 'target_host' then
            about := new.target || ' ' || new.host;
            if (new.drained_at is null) <> (old.drained_at is null) then
                verb := case when new.drained_at is null then 'undrained' else 'drained' end;
            else
                verb := case new.state when 'closed' then 'closed' else 'opened' end;
            end if;
        when 'kind_policy' then
            about := coalesce(new.kind, old.kind);
            of_kind := about;
        when 'worker' then
            about := new.session;
            verb := case when tg_op = 'INSERT' then 'started' when old.expires_at < clock_timestamp() then 'lost' else 'ended' end;
        when 'drained_worker' then
            about := coalesce(new.name, old.name);
            verb := case tg_op when 'INSERT' then 'drained' else 'undrained' end;
        when 'agent' then
            about := coalesce(new.name, old.name);
            if tg_op = 'UPDATE' and new.revoked_at is not null and old.revoked_at is null then
                verb := 'revoked';
            end if;
        when 'webhook' then
            about := coalesce(new.name, old.name);
            if tg_op = 'UPDATE' and new.disabled_at is not null and old.disabled_at is null then
                verb := 'disabled';
            end if;
    end case;
    insert into outbox (type, queue, kind, job_ids, attempts, subject)
    values (noun || '_' || verb, of_queue, of_kind, '{}', '{}', about);
    return null;
end
$$;

comment on function note_change is
    'Trigger: tell of the change in the log of events.';

create or replace trigger note_change after insert or delete on task
    for each row execute function note_change();
-- A fire only moves the next instant, and a hold its reason.
create or replace trigger note_update after update on task
    for each row when (old.version <> new.version or old.status <> new.status) execute function note_change();

create or replace trigger note_change after insert or delete on queue
    for each row execute function note_change();
-- The level has an event of its own.
create or replace trigger note_update after update on queue
    for each row when (to_jsonb(old) - 'announced_level' <> to_jsonb(new) - 'announced_level') execute function note_change();

create or replace trigger note_change after insert or delete on job_limit
    for each row execute function note_change();
create or replace trigger note_update after update on job_limit
    for each row when (to_jsonb(old) - 'updated_at' <> to_jsonb(new) - 'updated_at') execute function note_change();

create or replace trigger note_change after insert or delete on target
    for each row execute function note_change();
-- That its jobs are let go is no change of it.
create or replace trigger note_update after update on target
    for each row when (old.version <> new.version) execute function note_change();
-- A breaker that was tried and stays open is told of once.
create or replace trigger note_update after update on target_host
    for each row when ((old.state = 'closed') <> (new.state = 'closed') or (old.drained_at is null) <> (new.drained_at is null))
    execute function note_change();

create or replace trigger note_change after insert or delete on kind_policy
    for each row execute function note_change();
create or replace trigger note_update after update on kind_policy
    for each row when (old.policy <> new.policy) execute function note_change();

create or replace trigger note_change after insert on worker
    for each row execute function note_change();
-- A renewal is no change.
create or replace trigger note_update after update on worker
    for each row when (old.ended_at is null and new.ended_at is not null) execute function note_change();

create or replace trigger note_change after insert or delete on drained_worker
    for each row execute function note_change();

create or replace trigger note_change after insert or delete on agent
    for each row execute function note_change();
create or replace trigger note_update after update on agent
    for each row when (old.* is distinct from new.*) execute function note_change();

create or replace trigger note_change after insert or delete on webhook
    for each row execute function note_change();
-- What became of a delivery is no change of it.
create or replace trigger note_update after update on webhook
    for each row when (to_jsonb(old) - 'failing_since' - 'last_error' <> to_jsonb(new) - 'failing_since' - 'last_error')
    execute function note_change();
