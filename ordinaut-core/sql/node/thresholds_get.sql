-- The thresholds that were set by hand: of all machines ('*'), and of single ones.
select node, thresholds from ordinaut.node_threshold order by node
