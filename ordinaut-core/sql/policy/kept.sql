-- What a worker has to know of its kinds: those whose hours or time limit concern it.
select kind, policy from ordinaut.kind_policy where policy -> 'hours' <> 'null' or policy -> 'timeout' <> 'null' or policy ? 'output'
