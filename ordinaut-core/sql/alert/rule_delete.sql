-- Delete the rule $1. Its alerts are over when the rules are evaluated next.
delete from ordinaut.alert_rule where name = $1::text
