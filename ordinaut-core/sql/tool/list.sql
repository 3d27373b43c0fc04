-- All tools by name, or the one called $1.
select name, definition as tool, source, version, registered_by, registered_at, updated_at
from ordinaut.tool
where $1::text is null or name = $1::text
order by name
