-- From now on the end of the job $1 answers what waits for it. If it has ended already: how, or
-- that there is no such job.
select outcome from ordinaut.follow(array[$1::uuid])
