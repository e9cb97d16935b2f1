"""One-off containers: those that check, those that migrate, and those in which a person runs a command."""
