-- The policies of all kinds, or that of the kind $1.
select kind, policy, late, set_at, set_by
from ordinaut.kind_policy
where $1::text is null or kind = $1::text
order by kind
