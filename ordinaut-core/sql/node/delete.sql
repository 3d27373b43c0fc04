-- Forget the machine $1, and the thresholds that were set for it. It comes again with its next
-- report.
with thresholds as (
    delete from ordinaut.node_threshold where node = $1::text
)
delete from ordinaut.node where name = $1::text
