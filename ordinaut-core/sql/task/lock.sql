-- Let only this transaction count and fire the tasks $1: what it counts next includes what the last
-- holder has made. An event holds no task else; who waits for several takes them in the order of
-- their ids.
select count(*) from (select from ordinaut.task where id = any($1::uuid[]) order by id for no key update) as locked
