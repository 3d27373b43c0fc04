-- Settings of a pooled connection of our processes: a transaction whose other end fell silent gives its locks up after $1
-- milliseconds. Where a wire lost everything, the server would else hold them until TCP gives up, which takes hours.
select set_config('idle_in_transaction_session_timeout', $1::text, false)
