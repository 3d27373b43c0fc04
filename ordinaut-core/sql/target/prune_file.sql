-- Remove the targets that a file had and that it has no more: it has those named $1.
delete from ordinaut.target where source = 'file' and name <> all($1::text[])
