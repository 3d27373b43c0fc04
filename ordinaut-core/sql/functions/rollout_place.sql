-- Its last two octets times the golden ratio: those of an array follow one another, and so their
-- places are spread as evenly as they can be; those of others are as good as random.
create or replace function rollout_place(job_id uuid) returns integer
    language sql immutable strict parallel safe
begin atomic
    select (((get_byte(uuid_send(job_id), 14) * 256 + get_byte(uuid_send(job_id), 15))::bigint * 40503 & 65535) / 256)::integer;
end;

comment on function rollout_place is
    'The place of a job, from 0 to 255, by which a rollout decides whether a version runs it.';
