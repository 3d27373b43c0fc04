-- Let the rule $1 be looked at, or not ($2), as the agent $3 says. No row: there is none.
update ordinaut.alert_rule
set rule = jsonb_set(rule, '{enabled}', to_jsonb($2::boolean)), set_by = $3::text, set_at = clock_timestamp()
where name = $1::text
returning name, rule, set_at, set_by
