-- Bounds as text, in which both kinds of bound (ids and instants) are in their own order. Zone and
-- date style are set here, so that they are printed and compared the same way in any session.
create or replace function partition_bounds(parent regclass) returns table (part regclass, low text, high text)
    language sql stable
    set search_path from current
    set timezone = 'UTC'
    set datestyle = 'ISO, YMD'
begin atomic
    select child.oid::regclass, bound[1] collate "C", bound[2] collate "C"
    from pg_inherits
    join pg_class child on child.oid = inhrelid
    cross join regexp_match(pg_get_expr(child.relpartbound, child.oid), 'FROM [(]''([^'']+)''[)] TO [(]''([^'']+)''[)]') as bound
    where inhparent = partition_bounds.parent and bound is not null;
end;

comment on function partition_bounds is
    'The partitions of a table with their bounds, DEFAULT left out.';
