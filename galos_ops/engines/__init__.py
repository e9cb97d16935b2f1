"""What runs the containers: every Docker command line, and every parser of its output."""
