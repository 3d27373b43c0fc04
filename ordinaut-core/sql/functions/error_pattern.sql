-- What errors that are alike have in common: their first line, with "#" for words with a digit and
-- for what stands in quotes, as numbers, ids and names differ from job to job. Several such words
-- in a row are one. Of an error that says nothing it is "#".
create or replace function error_pattern(error text) returns text
    language sql immutable parallel safe
begin atomic
    select coalesce(nullif(regexp_replace(
        regexp_replace(
            regexp_replace(left(split_part(error, chr(10), 1), 160), '"[^"]*"?', '#', 'g'),
            '[^ :,()/=#]*[0-9][^ :,()/=#]*', '#', 'g'),
        '#([ :,()/=]*#)+', '#', 'g'), ''), '#');
end;

comment on function error_pattern is
    'What errors that are alike have in common: their first line, with # for numbers, ids and what stands in quotes.';
