-- WORKER_QUEUES lists queues with commas and weights, and nobody sees white space.
create or replace function queue_fault(name text) returns text
    language sql immutable parallel safe
begin atomic
    select coalesce(name_fault(name), case
        when name ~ ('[,= ' || chr(160) || chr(5760) || chr(8192) || '-' || chr(8202) || chr(8232) || chr(8233) || chr(8239)
                     || chr(8287) || chr(12288) || ']')
            then 'must not contain white space, "," or "="'
        when name = '*' then 'must be the name of one queue: "*" stands for all of them'
    end);
end;

comment on function queue_fault is
    'What is wrong with the name of a queue; null: nothing.';
