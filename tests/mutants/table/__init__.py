"""The mutants, by what they take away."""

from __future__ import annotations

from tests.mutants.table import connecting, deploying, guarding, migrating, preparing, recognising, showing, tasks

MUTANTS = (
    *guarding.MUTANTS,
    *migrating.MUTANTS,
    *deploying.MUTANTS,
    *recognising.MUTANTS,
    *connecting.MUTANTS,
    *preparing.MUTANTS,
    *showing.MUTANTS,
    *tasks.MUTANTS,
)
