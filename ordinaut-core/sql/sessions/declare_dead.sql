-- Declare sessions dead that were not renewed in time, by the database's clock alone.
--
-- After a restart of Postgres nobody could renew while it was down, so every session gets one lease from then.
update ordinaut.worker
set ended_at = clock_timestamp()
where ended_at is null and expires_at < clock_timestamp()
  and pg_postmaster_start_time() + lease < clock_timestamp()
returning session, name
