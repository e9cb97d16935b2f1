"""What is true of a host, and what that means."""
