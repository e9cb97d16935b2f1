-- migrate:up
ALTER TABLE stars_of_dbmate ADD COLUMN name text;

-- migrate:down
