DROP TABLE bodies;
DROP TABLE stars;
