-- The number of alerts of the rule $1 that fire.
select count(*)::float8 from ordinaut.alert where rule = $1::text and state = 'firing'
