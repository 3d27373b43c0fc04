-- Let the rule $1 be $2, put by the agent $3. One more than $4 is refused: no row.
insert into ordinaut.alert_rule (name, rule, set_by)
select $1::text, $2::jsonb, $3::text
where exists (select from ordinaut.alert_rule where name = $1::text)
   or (select count(*) from ordinaut.alert_rule) < $4::bigint
on conflict (name) do update
set rule = excluded.rule, set_by = excluded.set_by, set_at = clock_timestamp()
returning name, rule, set_at, set_by
