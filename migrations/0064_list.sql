-- Lists that are asked for what few rows have. Both indexes are partial: a job without a tenant and
-- an attempt that succeeded are in neither, and pay nothing.
create index job_tenant on job (tenant, id) where tenant is not null;

-- What failed, was cancelled, lost or given back, the newest job's first.
create index run_unsuccessful on run (job_id, attempt) where outcome <> 'succeeded';

update schema_version set version = 64;
