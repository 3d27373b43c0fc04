-- End the rollout of the kind $1: workers of all versions run its jobs.
delete from ordinaut.rollout where kind = $1::text
