-- Let the thresholds of the node $1 ('*': of all) be as they are for all, or as the schedulers are
-- set.
delete from ordinaut.node_threshold where node = $1::text
