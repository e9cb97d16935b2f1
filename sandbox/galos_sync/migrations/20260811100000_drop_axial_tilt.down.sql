ALTER TABLE bodies ADD COLUMN axial_tilt real;
