-- migrate:up
ALTER TABLE stars_of_dbmate DROP COLUMN absent;

-- migrate:down
