-- Whether anything is to be folded.
select exists (select from ordinaut.followed_end where at <= clock_timestamp())
