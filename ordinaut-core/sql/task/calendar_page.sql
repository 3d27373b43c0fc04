-- A page of calendars, by name: up to $1 of them and $2 octets, but one at least, after the
-- calendar $3. "walked" is more than there are rows, if there is a next page.
with listed as (
    select name, mode, dates
    from ordinaut.calendar
    where $3::text is null or name > $3::text
    order by name
    limit $1::bigint + 1
), placed as (
    select listed.*, row_number() over by_name as place, sum(octet_length(listed::text)) over by_name as octets
    from listed
    window by_name as (order by name)
)
select placed.*, (select count(*) from placed) as walked
from placed
where place <= $1::bigint and (octets <= $2::bigint or place = 1)
order by place
