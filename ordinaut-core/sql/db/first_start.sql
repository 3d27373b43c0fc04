-- The server that a schema is made on is known to all sessions from the first, so that nothing
-- waits as after a restart.
insert into ordinaut.server_start (timeline, start, since)
select ordinaut.server_timeline(), ordinaut.server_start_now(), 'epoch'
where not exists (select from ordinaut.server_start)
