-- The scheduler $1 stopped in order.
delete from ordinaut.scheduler where id = $1::uuid
