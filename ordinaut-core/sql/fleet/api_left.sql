-- The process of the API $1 stopped in order.
delete from ordinaut.api_process where id = $1::uuid
