-- A list that is not there has no labels.
create or replace function placement_labels(list jsonb, refused boolean) returns text[]
    language sql immutable parallel safe
begin atomic
    select label_set(array_agg(case when refused then substr(label, 2) else label end))
    from jsonb_array_elements_text(coalesce(list, '[]')) as label
    where starts_with(label, '!') = refused;
end;

comment on function placement_labels is
    'Of a list in job.placement the labels that the worker must have, or those, after "!", that it must not have.';
