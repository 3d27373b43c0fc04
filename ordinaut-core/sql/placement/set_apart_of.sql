-- Set those of the jobs $1 apart that are due.
select ordinaut.set_apart($1::uuid[])
