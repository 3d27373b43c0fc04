-- The job that waits behind a running one, its leader, holds their key (run_again), and may end
-- before the leader does: it is cancelled, expires, is deleted by hand. The next job would run
-- beside the leader then, were the key not the leader's again.
--
-- The key's row is written before the leader's work is locked, and not after it, as elsewhere
-- (hold_key). No circle comes of it: a transaction that has locked this work looks for keys by the
-- leader's id, and sees none under it before this one has ended.
create or replace function return_key(wanted bytea, ended uuid, ahead uuid) returns boolean
    language plpgsql volatile
    set search_path from current
as $$
begin
    -- One statement, in which no job is between two places.
    perform where not exists (select from due_work where job_id = ended)
        and not exists (select from parked where job_id = ended)
        and (exists (select from due_work where job_id = ahead) or exists (select from parked where job_id = ahead));
    if not found then
        return false;
    end if;
    -- Deleted and inserted anew, so that a repair whose snapshot has the old row leaves this one
    -- alone. ends_with_job is false whatever the leader's mode is: it may end before this is
    -- committed, and would not see its key.
    delete from unique_key where key = wanted and job_id = ended;
    insert into unique_key (key, job_id, after_end, ends_with_job)
    values (wanted, ahead, coalesce((select unique_after_end from job where id = ahead), '0'), false)
    on conflict (key) do nothing;
    return true;
end
$$;

comment on function return_key is
    'Give a unique key back to the job that its holder followed, if the holder has ended and that job has not; whether it is so.';
