-- Keep what attempts say: of the job $1 and its attempt $2, as long as its lease holds (session $3,
-- nonce $4), in the channel $5, the text $8 under the number $6, with the level $7, said $9 seconds
-- ago. Of the log up to $10 lines and $11 octets of an attempt are kept, of the output $12 chunks
-- and $13 octets; of all beyond, and of a null text, one row says how far they went. A number that
-- was written comes to nothing, and numbers come in their order: so a request may come again. What
-- is returned holds its lease.
with told as materialized (
    select * from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[], $5::text[], $6::integer[], $7::text[],
                         $8::text[], $9::float8[])
        as t(job_id, attempt, session, nonce, channel, n, level, text, age)
), held as materialized (
    select asked.*, coalesce(last.n, 0) as last_n, coalesce(last.octets, 0) as last_octets,
           case channel when 'log' then $10::integer else $12::integer end as most,
           case channel when 'log' then $11::bigint else $13::bigint end as most_octets
    from (select distinct job_id, attempt, session, nonce, channel from told) asked
    cross join lateral (
        select job_id
        from ordinaut.due_work
        where due_work.job_id = asked.job_id and due_work.attempt = asked.attempt
          and due_work.session = asked.session and due_work.nonce = asked.nonce
        offset 0
    ) work
    left join lateral (
        select n, octets
        from ordinaut.output
        where output.job_id = asked.job_id and output.channel = asked.channel and output.attempt = asked.attempt
        order by n desc
        limit 1
    ) last on true
), placed as materialized (
    select told.*, most, most_octets, last_n,
           last_octets + sum(octet_length(text)) over (partition by job_id, channel order by told.n) as octets
    from told
    join held using (job_id, attempt, session, nonce, channel)
    where told.n > last_n or last_n = 2147483647
), kept as (
    insert into ordinaut.output (job_id, channel, attempt, n, level, text, octets, said_at)
    select job_id, channel, attempt, n, level, text, octets, clock_timestamp() - make_interval(secs => age)
    from placed
    where last_n < 2147483647 and n <= most and octets <= most_octets and text is not null
    on conflict (job_id, channel, attempt, n) do nothing
), beyond as (
    insert into ordinaut.output as known (job_id, channel, attempt, n, text, octets, seen)
    select job_id, channel, attempt, 2147483647, '', 0, max(n)
    from placed
    where (last_n < 2147483647 and n <= most and octets <= most_octets and text is not null) is not true
    group by job_id, channel, attempt
    on conflict (job_id, channel, attempt, n) do update set seen = greatest(known.seen, excluded.seen)
)
select distinct job_id, attempt from held
