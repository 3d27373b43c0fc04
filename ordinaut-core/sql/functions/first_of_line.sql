-- If a wait of one step is worth a level of priority (null: nothing is), the least of priority less
-- the steps waited comes first: at any instant that is the least of run_at + priority * step. Each
-- level has its first jobs by a probe of its own, however long the line is. An ordered limit keeps
-- its order.
create or replace function first_of_line(line text, jobs bigint, step interval)
    returns table (job_id uuid, queue text, priority smallint, run_at timestamptz, ordered_key text)
    language sql stable
begin atomic
    select first.job_id, first.queue, first.priority, first.run_at, first.ordered_key
    from (
        select 1 as lowest, 9 as highest where step is null
        union all
        select level, level from generate_series(1, 9) as level where step is not null
    ) levels
    cross join lateral (
        select parked.job_id, parked.queue, parked.priority, parked.run_at, parked.ordered_key
        from parked
        where parked.reason = 'limit' and parked.key = first_of_line.line
          and parked.priority between levels.lowest and levels.highest
        order by parked.key, parked.priority, parked.run_at, parked.job_id
        limit jobs
    ) first
    order by case when first.ordered_key is null then first.run_at + first.priority * step end,
             case when first.ordered_key is not null or step is null then first.priority end,
             first.run_at, first.job_id
    limit jobs;
end;

comment on function first_of_line is
    'The first jobs of a line, in the order in which they are let in.';
