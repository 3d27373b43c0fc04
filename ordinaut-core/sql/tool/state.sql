-- Another row whenever a tool was put, changed or deleted. A deleted one takes its version along,
-- and one that is put has the newest time.
select count(*) as tools, coalesce(sum(version), 0)::bigint as versions, max(updated_at) as changed_at from ordinaut.tool
