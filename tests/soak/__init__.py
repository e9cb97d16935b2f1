"""A random soak of the library against the sandbox, judged from outside: `python -m tests.soak --minutes 60`."""
