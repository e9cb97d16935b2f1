"""What a host is like at one moment: one script that asks it, the parser of what that prints, and the data."""
