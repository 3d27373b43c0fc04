-- A row that is seen and in progress was written by this transaction, maybe in a savepoint, whose
-- number is a later one. Only numbers not far above the transaction's own are looked up: that of an
-- old row may be larger than any that was given out, and asking for it is an error.
create or replace function of_this_transaction(row_xmin xid) returns boolean
    language sql volatile
begin atomic
    select coalesce(case when since.later < 1000000
        then pg_xact_status((own.first + since.later)::text::xid8) = 'in progress' end, false)
    from (select pg_current_xact_id_if_assigned()::text::bigint as first) own
    cross join lateral (
        select (row_xmin::text::bigint - own.first % (1::bigint << 32) + (1::bigint << 32)) % (1::bigint << 32) as later
    ) since;
end;

comment on function of_this_transaction is
    'Whether this transaction has written a row that it sees, by the row''s xmin: nobody else can hold it, or see it.';
