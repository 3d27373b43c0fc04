-- Whose token it was does not say whose machine: after a token has leaked, the audit must tell the
-- calls of its owner from the others.
alter table audit add column address text;

comment on column audit.address is 'Where the call came from: an IP address, beyond proxies of API_TRUSTED_PROXIES the one that they tell, or unix.';

update schema_version set version = 73;
