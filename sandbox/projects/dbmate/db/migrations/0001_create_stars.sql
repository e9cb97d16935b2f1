-- migrate:up
CREATE TABLE stars_of_dbmate (id int PRIMARY KEY);

-- migrate:down
