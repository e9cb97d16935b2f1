"""Docker command lines and the parsers of their output."""
