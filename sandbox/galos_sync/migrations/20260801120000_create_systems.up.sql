CREATE TABLE systems (
    address bigint PRIMARY KEY,
    name text NOT NULL,
    x double precision NOT NULL,
    y double precision NOT NULL,
    z double precision NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO systems (address, name, x, y, z) VALUES
    (10477373803, 'Sol', 0, 0, 0),
    (1458309141194, 'Diaguandri', -41.06, -62.16, -103.25),
    (20578934, 'Sagittarius A*', 25.22, -20.91, 25899.97);
