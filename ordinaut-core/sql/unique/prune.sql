-- Forget up to $1 keys whose windows are over. skip locked: somebody takes that one at this moment.
with past as (
    select key
    from ordinaut.unique_key
    where held_until <= clock_timestamp()
    order by held_until
    limit $1::bigint
    for update skip locked
), gone as (
    delete from ordinaut.unique_key using past where unique_key.key = any(array[past.key]) returning 1
)
select count(*) from gone
