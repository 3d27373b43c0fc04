-- Let every job that waits in a line be due again, because the limits are not what they were: it is
-- set aside anew, in the line where it belongs now.
with unparked as (
    delete from ordinaut.parked
    where reason = 'limit'
    returning parked.*
), {{unparked}}
select distinct queue from unparked
