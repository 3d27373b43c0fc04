-- Hold the place of the follower $1 until the transaction ends. No row: there is no such follower,
-- or another process holds it, which nobody waits for.
select n from ordinaut.follower where name = $1::text for update skip locked
