"""What `setup` puts on a host."""
