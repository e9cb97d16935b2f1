DROP INDEX systems_name;
