"""The note of a service that is stopped for a migration, without which nothing is stopped."""

from __future__ import annotations

import re

import pytest

from galos_ops.engines import stopped
from tests.unit.local_host import LocalHost
from tests.unit.targets import IMAGE_ID

NOTE = "~/.galos-ops/galos-sync.stopped"
SCRIPT = f"cd; {stopped.remember('galos-sync', IMAGE_ID)}\necho went on"


@pytest.mark.parametrize("folder", [True, False])
def test_a_service_is_noted_or_the_script_ends(host: LocalHost, folder: bool) -> None:
    if folder:
        (host.home / ".galos-ops").mkdir()
    assert host.run(SCRIPT, doing="note", check=False).stdout == ("went on\n" if folder else "")
    assert list(host.files()) == ([NOTE] if folder else [])
    assert not folder or re.fullmatch(rf"{IMAGE_ID} [0-9-]+T[0-9:]+Z\n", host.files()[NOTE])


def test_a_note_that_cannot_be_written_whole_leaves_the_one_before(host: LocalHost) -> None:
    host.put(NOTE, "sha256:before\n")
    (host.home / ".galos-ops/galos-sync.stopped.new").mkdir()
    assert not host.run(SCRIPT, doing="note", check=False).ok
    assert host.files()[NOTE] == "sha256:before\n"


def test_a_service_that_runs_again_is_forgotten_and_no_other_one(host: LocalHost) -> None:
    for name in ("galos-sync", "galos-map", "another"):
        host.put(f"~/.galos-ops/{name}.stopped", IMAGE_ID)
    host.run(f"cd; {stopped.forget(['galos-sync', 'galos-map'])}", doing="forget")
    assert list(host.files()) == ["~/.galos-ops/another.stopped"]
