-- Take the turn to evaluate the rules, until the transaction ends, if that was not done in the last
-- $1 seconds. No row: it was, or another scheduler is at it. A time ahead of now is of a clock that
-- went back.
with free as materialized (
    select singleton
    from ordinaut.alert_turn
    where evaluated_at <= clock_timestamp() - make_interval(secs => $1::float8) or evaluated_at > clock_timestamp()
    for update skip locked
)
update ordinaut.alert_turn
set evaluated_at = clock_timestamp()
from free
where alert_turn.singleton = free.singleton
returning true
