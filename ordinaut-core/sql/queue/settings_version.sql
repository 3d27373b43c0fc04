-- What is said about all queues, as a text that is another one when any of it changed.
select md5(coalesce(string_agg(queue::text, chr(10) order by name), '')) from ordinaut.queue
