"""How many examples property tests try: `steady` ones in every run, many anew with `HYPOTHESIS_PROFILE=wide`."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("wide", deadline=None, max_examples=5000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

PROCESSES = settings(max_examples=settings().max_examples // 10)
"""For a test that starts processes for each example."""
