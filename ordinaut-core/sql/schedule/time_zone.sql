-- The zone of schedules that name none.
select time_zone from ordinaut.event_head
