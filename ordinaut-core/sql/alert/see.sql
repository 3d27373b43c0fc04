-- Rules that hold: of each the name ($1), its source ($2), what its subject is ($3), the subject
-- ($4), the severity ($5), the figure ($6), the threshold ($7) and what more is known ($8). Each is
-- a row until it is over, made at the first sight of it.
insert into ordinaut.alert as known (id, rule, source, about, subject, severity, value, threshold, detail)
select ordinaut.uuid_v7(), rule, source, about, subject, severity, value, threshold, detail
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::float8[], $8::text[])
     as seen(rule, source, about, subject, severity, value, threshold, detail)
order by rule, subject
on conflict (rule, subject) where state <> 'resolved' do update
set severity = excluded.severity, value = excluded.value, threshold = excluded.threshold, detail = excluded.detail,
    seen_at = clock_timestamp()
