-- Those of the batches $1 of which all members have ended, and whether they are held now: one is
-- not while a transaction adds members to it.
with over as materialized (
    select id from ordinaut.batch where id = any($1::uuid[]) and succeeded + dead + cancelled >= total
), held as materialized (
    select id from ordinaut.batch where id = any(array(select id from over)) order by id for update skip locked
)
select over.id, exists (select from held where held.id = over.id) as held from over
