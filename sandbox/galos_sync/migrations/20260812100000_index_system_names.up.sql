SELECT pg_sleep(coalesce(nullif(current_setting('galos.migration_seconds', true), ''), '20')::double precision);
-- Whoever holds this lock in a session of the database holds the migration, inside its transaction.
SELECT pg_advisory_xact_lock(20260812100000);
CREATE INDEX systems_name ON systems (name);
