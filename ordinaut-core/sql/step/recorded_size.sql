-- Number of steps that the job $1 has recorded, and the octets of their results as they are stored,
-- for one whose handler runs elsewhere: no process keeps in memory what it has recorded.
select count(*) as steps, coalesce(sum(pg_column_size(result)), 0)::bigint as octets from ordinaut.step where job_id = $1::uuid
