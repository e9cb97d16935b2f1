"""Each flow of work, once."""
