from tasks import ns  # noqa: F401 - fab looks for this name
