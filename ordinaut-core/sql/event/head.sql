-- The last number given.
select n from ordinaut.event_head
