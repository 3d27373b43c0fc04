-- $2 bytes, from the row of the job $1 without its arguments: what arrives says that the row can be
-- read, and that the wire carries as much as arguments may take.
select repeat(' ', $2::integer) from ordinaut.job where id = $1::uuid
