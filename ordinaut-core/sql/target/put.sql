-- Store the target $1, new or changed, as $2 says, from $3 (api or file), with its hosts ($4),
-- their weights ($5) in their order. What somebody put is not overwritten by a file. Hosts that
-- stay keep their breakers. Whether anything has changed.
with put as (
    insert into ordinaut.target (name, definition, source)
    values ($1::text, $2::text::jsonb, $3::text)
    on conflict (name) do update
    set definition = excluded.definition, source = excluded.source, version = target.version + 1,
        updated_at = clock_timestamp()
    where (target.source = 'file' or excluded.source = 'api')
      and (target.definition, target.source) is distinct from (excluded.definition, excluded.source)
    returning name
), hosts as (
    select * from unnest($4::text[], $5::integer[]) with ordinality as h(host, weight, place)
), gone as (
    delete from ordinaut.target_host
    where target = $1::text and host <> all($4::text[]) and exists (select from put)
), hosts_put as (
    insert into ordinaut.target_host (target, host, weight, place)
    select name, host, weight, place from put cross join hosts
    on conflict (target, host) do update set weight = excluded.weight, place = excluded.place
)
select exists (select from put)
