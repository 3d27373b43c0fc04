-- All rollouts: of each kind there is one at most.
select kind, version, percent, set_at from ordinaut.rollout order by kind
