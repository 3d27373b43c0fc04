-- Take the silence $1 back: what it kept from being sent is sent if it still fires.
delete from ordinaut.alert_silence where id = $1::uuid
