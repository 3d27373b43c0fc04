-- used_at is written seldom, and not where another transaction writes it, so that producers do not
-- wait for each other: see sql/placement/prune.sql.
create or replace function demand_of(of_kind text, require text[], refuse text[], soft boolean) returns integer
    language plpgsql volatile
    set search_path from current
as $$
declare
    found_id integer;
    used     timestamptz;
begin
    loop
        select demand.id, demand.used_at into found_id, used
        from demand
        where demand.kind = of_kind and demand.require = demand_of.require and demand.refuse = demand_of.refuse
          and demand.soft = demand_of.soft;
        exit when found_id is not null;
        insert into demand (kind, require, refuse, soft)
        values (of_kind, demand_of.require, demand_of.refuse, demand_of.soft)
        on conflict do nothing
        returning id, used_at into found_id, used;
        exit when found_id is not null;
    end loop;
    if used < clock_timestamp() - interval '1 hour' then
        update demand
        set used_at = clock_timestamp()
        where id = (select id from demand where id = found_id for no key update skip locked);
    end if;
    return found_id;
end
$$;

comment on function demand_of is
    'The number of a demand, which is made if there is none. The lists are label sets.';
