-- Take from the role of programs that handle rows (ordinaut_service) what default privileges gave
-- it in new partitions: the right to change what has happened.
select ordinaut.keep_history()
