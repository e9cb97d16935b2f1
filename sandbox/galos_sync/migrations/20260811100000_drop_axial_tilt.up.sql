ALTER TABLE bodies DROP COLUMN axial_tilt;
