-- Whether somebody silences an alert now. The statement names it as "alert".
exists (
    select
    from ordinaut.alert_silence
    where begins_at <= clock_timestamp() and ends_at > clock_timestamp()
      and coalesce(alert_silence.rule = alert.rule, true) and coalesce(alert_silence.subject = alert.subject, true)
)
