-- A batch of the bulk operation $1 failed, with this reason.
update ordinaut.bulk set last_error = $2::text where id = $1::uuid and finished_at is null
