-- Let nobody claim from the queue $1 any more, whether or not anybody knew it. What is said again
-- ($2 by whom, $3 why) replaces what was said; since when it is paused stays.
insert into ordinaut.queue as known (name, paused_at, paused_by, paused_reason)
values ($1::text, clock_timestamp(), $2::text, $3::text)
on conflict (name) do update
set paused_at = coalesce(known.paused_at, excluded.paused_at), paused_by = excluded.paused_by, paused_reason = excluded.paused_reason
