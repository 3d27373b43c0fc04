-- What became of the attempt $2 of the job $1, under the session $3 and the nonce $4, that its
-- handler has settled in a transaction of its own: "committed"; "open", while somebody has the row
-- locked, which the transaction may be; "undone", if the row is still leased as it was; or else
-- "lost".
--
-- One snapshot for both tables: the row goes and the run comes in the same commit. A run of a
-- rescue has another outcome.
with ours as materialized (
    select ctid as tid
    from ordinaut.due_work
    where job_id = $1::uuid and attempt = $2::integer and session = $3::bigint and nonce = $4::integer
), free as materialized (
    select due_work.job_id
    from ours
    join ordinaut.due_work on due_work.ctid = ours.tid
    for update of due_work skip locked
)
select case
    when exists (select from ordinaut.run where job_id = $1::uuid and attempt = $2::integer
                   and session = $3::bigint and outcome = 'succeeded') then 'committed'
    when exists (select from free) then 'undone'
    when exists (select from ours) then 'open'
    else 'lost'
end
