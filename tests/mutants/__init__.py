"""Mutants of the library: each takes one protection out, and names the tests that must notice and what they say.

`changes` are what can be done to a function, `table` are the mutants, `laboratory` runs the tests against them.
"""
