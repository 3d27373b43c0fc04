-- Forget the follower $1: the next that has this name begins anew.
delete from ordinaut.follower where name = $1::text returning name
