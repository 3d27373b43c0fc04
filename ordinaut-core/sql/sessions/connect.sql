-- Settings of a loop's own connection, or of its transaction alone ($2): the server gives a statement up after $1
-- milliseconds, and finds rows by index alone.
--
-- Plans are kept as long as the connection. One that was made while a table was empty would read it from end to end once
-- it has filled, until the next analyze: 300 ms a claim with 200,000 jobs waiting, instead of 5. Nor is any of them
-- worth compiling, which the price of what was ruled out would make the server believe: seconds a statement.
-- A transaction whose other end fell silent (a process that is frozen, a wire that lost everything) gives up its locks
-- after the same time: others wait for them. So does one whose answer nobody reads, where the server is Linux: TCP gives the
-- connection up, and a statement that runs looks for its reader. Behind a pooler ($2) the other end is the pooler.
select set_config('statement_timeout', $1::text, $2::boolean),
       set_config('idle_in_transaction_session_timeout', $1::text, $2::boolean),
       set_config('enable_seqscan', 'off', $2::boolean), set_config('enable_bitmapscan', 'off', $2::boolean),
       set_config('enable_hashjoin', 'off', $2::boolean), set_config('enable_mergejoin', 'off', $2::boolean),
       set_config('jit', 'off', $2::boolean),
       case when not $2::boolean and version() ~ 'linux' then set_config('tcp_user_timeout', $1::text, false) end,
       case when not $2::boolean and version() ~ 'linux'
                 and current_setting('client_connection_check_interval', true) is not null
            then set_config('client_connection_check_interval', $1::text, false) end
