-- Rows of an index hold 2,704 bytes: with a few limits of long names and values the text of a line
-- did not fit, and no limited job started any more. The key begins with "#" where it is a hash, and
-- with "{" where it is the text itself.
create or replace function line_key(line text) returns text
    language sql immutable strict parallel safe
begin atomic
    select case when octet_length(line) > 2000 then '#' || encode(sha256(convert_to(line, 'UTF8')), 'hex') else line end;
end;

comment on function line_key is
    'The key in parked of a line of jobs that the same limits concern under the same keys.';
