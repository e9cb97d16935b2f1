"""The mutants, by what they take away."""

from __future__ import annotations

from tests.mutants.table import (
    attaching,
    connecting,
    deploying,
    ending,
    entering,
    examining,
    fleet,
    guarding,
    looking,
    migrating,
    mistaking,
    preparing,
    pruning,
    recognising,
    recording,
    setting_up,
    showing,
    stopping,
    swarm,
    tasks,
)

MUTANTS = (
    *guarding.MUTANTS,
    *migrating.MUTANTS,
    *stopping.MUTANTS,
    *ending.MUTANTS,
    *deploying.MUTANTS,
    *recognising.MUTANTS,
    *recording.MUTANTS,
    *pruning.MUTANTS,
    *connecting.MUTANTS,
    *preparing.MUTANTS,
    *setting_up.MUTANTS,
    *entering.MUTANTS,
    *showing.MUTANTS,
    *looking.MUTANTS,
    *examining.MUTANTS,
    *fleet.MUTANTS,
    *swarm.MUTANTS,
    *tasks.MUTANTS,
    *mistaking.MUTANTS,
    *attaching.MUTANTS,
)
