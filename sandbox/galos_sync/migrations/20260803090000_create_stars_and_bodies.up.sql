CREATE TABLE stars (
    system_address bigint NOT NULL REFERENCES systems,
    id smallint NOT NULL,
    name text NOT NULL,
    orbit double precision NOT NULL,
    PRIMARY KEY (system_address, id)
);

CREATE TABLE bodies (
    system_address bigint NOT NULL REFERENCES systems,
    id smallint NOT NULL,
    name text NOT NULL,
    surface_temp real,
    surface_press real,
    gravity real,
    PRIMARY KEY (system_address, id)
);

INSERT INTO stars (system_address, id, name, orbit) VALUES (10477373803, 0, 'Sol', 0);
INSERT INTO bodies (system_address, id, name, surface_temp, surface_press, gravity) VALUES
    (10477373803, 3, 'Earth', 288, 1, 1),
    (10477373803, 4, 'Mars', 207, 0.009, 0.38);
