-- An array may have several dimensions or count from elsewhere, which no list in another language
-- can.
create or replace function tags_fault(tags text[]) returns text
    language sql immutable parallel safe
begin atomic
    select case
        when tags is null then 'must not be null'
        when array_ndims(tags) > 1 or array_lower(tags, 1) <> 1 then 'must be one list, counted from 1'
        when cardinality(tags) > 50 then 'must be at most 50'
        when exists (select from unnest(tags) as tag where name_fault(tag) is not null)
            then 'must each be of 1 to 100 characters, without control characters'
    end;
end;

comment on function tags_fault is
    'What is wrong with tags; null: nothing.';
