-- Keep an event: its topic $1, key $2, id $3 and payload $4. Nothing is returned if the topic has
-- an event of this id already.
insert into ordinaut.published (topic, key, id, payload)
values ($1::text, $2::text, $3::text, $4::text::jsonb)
on conflict (topic, id) do nothing
returning n
