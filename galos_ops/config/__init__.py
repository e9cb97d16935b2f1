"""The configuration as frozen, checked data."""
