-- Whether a row of run is what a list asks for: of one of the sessions $14, with an end from $15 to
-- $16 that ended its job, and with $17 in its error, where one is named.
($14::bigint[] is null or run.session = any($14::bigint[]))
     and (($15::timestamptz is null and $16::timestamptz is null) or run.outcome in ('succeeded', 'cancelled', 'dead'))
     and ($15::timestamptz is null or run.finished_at >= $15::timestamptz)
     and ($16::timestamptz is null or run.finished_at < $16::timestamptz)
     and ($17::text is null or position(lower($17::text) in lower(run.error)) > 0)
