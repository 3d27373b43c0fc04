-- Begin a call ($2) of the target $1, whose calls are limited, in the attempt $4 of the job $3 that
-- the session $5 has leased: 0 if it may begin, else seconds until one may (infinity: until another
-- ends). A statement of its own decides, with a fresh snapshot: see the function.
select ordinaut.take_target_turn($1::text, $2::uuid, $3::uuid, $4::integer, $5::bigint)
