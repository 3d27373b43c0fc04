-- Lists that say the same are the same, so that equal demands are one.
create or replace function label_set(labels text[]) returns text[]
    language sql immutable parallel safe
begin atomic
    select coalesce(array_agg(distinct label order by label), '{}') from unnest(labels) as label;
end;

comment on function label_set is
    'Labels in their order, each once.';
