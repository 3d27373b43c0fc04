-- The number of alerts that are not over, by severity and state.
select severity, state, count(*) as alerts
from ordinaut.alert
where state <> 'resolved'
group by severity, state
