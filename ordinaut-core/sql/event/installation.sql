-- Which installation this is, for others that share a Redis with it.
select installation from ordinaut.event_head
