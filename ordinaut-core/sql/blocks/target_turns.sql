-- The number of calls under way of the target in "target". What a worker that died held counts no
-- more once its job's lease has ended.
(
    select count(*)
    from ordinaut.target_turn
    cross join lateral (
        select
        from ordinaut.due_work
        where due_work.job_id = target_turn.job_id and due_work.attempt = target_turn.attempt
          and due_work.session = target_turn.session
        offset 0
    ) leased
    where target_turn.target = target.name
)
