-- Remove the target $1, with its hosts. Jobs that wait for it are let go by a scheduler.
delete from ordinaut.target where name = $1::text returning name
