"""Against what the flavours print without a terminal, recorded in pulls/."""

from itertools import accumulate
from pathlib import Path

import pytest

from galos_ops.engines.images.pull_output import Layers, worth_showing

PULLS = Path(__file__).parent / "pulls"
FLAVOURS = ("v1", "v2", "v5", "docker")


def recorded(flavour: str) -> list[str]:
    return (PULLS / f"{flavour}.txt").read_text().splitlines()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_layers_are_counted_while_a_pull_runs(flavour: str) -> None:
    counts = list(accumulate(recorded(flavour), Layers.after, initial=Layers()))
    told = list(dict.fromkeys(map(str, counts)))
    assert told[0] == ""
    assert told[-9:] == [f"{done}/8 layers" for done in range(9)]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_of_a_pull_that_fails_only_the_reason_is_worth_showing(flavour: str) -> None:
    reason = "Error response from daemon: manifest for galos-sync:nope not found: manifest unknown"
    assert worth_showing("\r\n".join([*recorded(flavour)[:-3], reason])) == reason


@pytest.mark.parametrize(
    "line",
    [
        "error pulling image configuration: Get https://registry/v2: EOF",
        " galos-sync Error manifest unknown",
        "ERROR: for galos-sync  manifest unknown",
        "dc85b394b354: Retrying in 5 seconds",
        "write /var/lib/docker/tmp/x: no space left on device",
    ],
)
def test_what_may_be_a_reason_is_kept(line: str) -> None:
    assert worth_showing(line) == line
    assert Layers().after(line) == Layers()


def test_a_pull_without_layers_tells_no_count() -> None:
    assert str(Layers().after("Pulling galos-sync ... status: image is up to date for 2...")) == ""
