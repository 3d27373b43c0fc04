-- Up to $1 topics on which events reached tasks, by name, after the topic $2: a probe of the index
-- for each, and not a look at every event.
with recursive walk as (
    (select topic from ordinaut.event_fire where $2::text is null or topic > $2::text order by topic limit 1)
    union all
    select (select topic from ordinaut.event_fire where topic > walk.topic order by topic limit 1)
    from walk
    where walk.topic is not null
), named as (
    select topic from walk where topic is not null limit $1::bigint
)
select topic, events, last_at
from named
cross join lateral (
    select count(distinct event_id) as events, max(at) as last_at from ordinaut.event_fire where event_fire.topic = named.topic offset 0
) as seen
order by topic
