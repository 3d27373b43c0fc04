-- All rules, by name, or the one named $1.
select name, rule, set_at, set_by
from ordinaut.alert_rule
where $1::text is null or name = $1::text
order by name
