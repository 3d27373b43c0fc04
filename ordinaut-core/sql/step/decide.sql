-- Answer the approval $2 of the job $1 (null: the only one) with the decision $3, by $4, with the
-- note $5.
with waiting as materialized (
    select name, answered_at, until
    from ordinaut.wait
    where job_id = $1::uuid and kind = 'approval' and ($2::text is null or name = $2::text)
), open as materialized (
    select name from waiting where answered_at is null and (until is null or until > clock_timestamp())
), decided as (
    update ordinaut.wait
    set answered_at = clock_timestamp(),
        answer = jsonb_build_object('decision', $3::text, 'by', $4::text, 'note', $5::text, 'at', clock_timestamp())
    where job_id = $1::uuid and name = (select name from open) and answered_at is null
      and (select count(*) from open) = 1
    returning name
)
select case when exists (select from decided) then 'decided'
            when (select count(*) from open) > 1 then 'several'
            when exists (select from waiting) then 'too_late'
            else 'none' end as decided,
       array(select name from open order by name) as names
