ALTER TABLE bodies RENAME COLUMN surface_pressure TO surface_press;
ALTER TABLE bodies RENAME COLUMN surface_temperature TO surface_temp;
