SELECT pg_sleep(coalesce(nullif(current_setting('galos.migration_seconds', true), ''), '20')::double precision);
CREATE INDEX systems_name ON systems (name);
