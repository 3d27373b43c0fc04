-- What the role ordinaut_service (api, worker, command line) may do to rows of history. Its grants
-- and default privileges give it the rows of every table; here is taken what none of its statements
-- needs: to change or delete what has happened. The owner, as which the scheduler runs, prunes and
-- relays. ops/postgres/roles.sql, which grants anew, has the same list.
--
-- Partitions take their rights from default privileges, and are reached through their tables, whose
-- rights are asked then: of a partition itself only reading is left. Called when the schema was
-- brought forward, and when partitions were made.
create or replace function keep_history() returns void
    language plpgsql
    set search_path from current
as $$
declare
    here   text := current_schema();
    kept   record;
    part   text;
begin
    -- Such a role may belong to another schema of the same server.
    if to_regrole('ordinaut_service') is null then
        return;
    elsif not has_table_privilege('ordinaut_service', format('%I.due_work', here), 'insert') then
        return;
    end if;
    -- Who may read everything may still not sign in another's name.
    if to_regrole('ordinaut_read') is not null then
        execute format('revoke all on %I.webhook_secret from ordinaut_read', here);
    end if;
    for kept in
        select pg_class.oid, relname::text as name, rights, columns
        from (values ('job', 'update, delete', 'args, tags, trace_context, unique_key, unique_after_end, queue, priority, max_attempts'),
                     ('run', 'update, delete', 'error, output'),
                     ('dead_letter', 'update', 'args'),
                     ('event', 'update, delete', null), ('fire', 'update, delete', null),
                     ('event_fire', 'update, delete', null), ('outbox', 'update, delete', null),
                     ('outcome_count', 'update, delete', null), ('audit', 'update, delete', null)) as history(name, rights, columns)
        join pg_class on relname = history.name and relnamespace = here::regnamespace
        -- Who owns the tables prunes them.
        where relowner <> 'ordinaut_service'::regrole
    loop
        execute format('revoke %s on %I.%I from ordinaut_service', kept.rights, here, kept.name);
        if kept.columns is not null then
            execute format('grant update (%s) on %I.%I to ordinaut_service', kept.columns, here, kept.name);
        end if;
        for part in
            select format('%I.%I', here, relname)
            from pg_inherits join pg_class partition on partition.oid = inhrelid
            where inhparent = kept.oid and has_table_privilege('ordinaut_service', inhrelid, 'insert, update, delete')
        loop
            execute format('revoke insert, update, delete on %s from ordinaut_service', part);
        end loop;
    end loop;
end
$$;

comment on function keep_history is
    'Take from ordinaut_service the right to change or delete what has happened.';
