-- Whether a session ended so lately that one of its claims may still commit: the server gives a
-- claim up after a third of the lease.
select exists (
    select from ordinaut.worker where ended_at > clock_timestamp() - lease / 3 - interval '10 s'
)
