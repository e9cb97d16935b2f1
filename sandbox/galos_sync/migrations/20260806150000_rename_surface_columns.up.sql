ALTER TABLE bodies RENAME COLUMN surface_temp TO surface_temperature;
ALTER TABLE bodies RENAME COLUMN surface_press TO surface_pressure;
