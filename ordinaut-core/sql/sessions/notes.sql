-- Read and empty the list of jobs that the session $1 was asked to stop.
with asked as (
    select session, cancel_asked
    from ordinaut.worker
    where session = $1::bigint and cancel_asked <> '{}'
    for update
)
update ordinaut.worker
set cancel_asked = '{}'
from asked
where worker.session = asked.session
returning asked.cancel_asked
