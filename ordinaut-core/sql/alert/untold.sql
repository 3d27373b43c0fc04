-- Note that the alerts which fire, and were sent to nobody, are sent now. Those that are silenced
-- wait for the end of that, and those that somebody has acknowledged are known.
update ordinaut.alert
set told_at = clock_timestamp()
where state = 'firing' and told_at is null and acknowledged_at is null and not {{alert_silenced}}
returning alert.*, false as silenced
