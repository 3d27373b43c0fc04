-- Give the installation the zone $1. Tasks that are stored keep theirs.
update ordinaut.event_head set time_zone = $1::text
