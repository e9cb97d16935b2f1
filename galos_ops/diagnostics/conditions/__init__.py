"""The known misconfigurations of a host, by subject."""
