"""What a person sees of a deploy: at a terminal, and in the log of a CI job."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from galos_ops.ui.terminal import FRAMES
from tests import processes
from tests.integration.conftest import Operator, container, image_id, wipe
from tests.integration.gate import gated
from tests.integration.terminal import INTERRUPT, Terminal
from tests.processes import HANG_SECONDS

STEP = re.compile(r"  [✓!✗=] (\S+) .* \d+\.\d s")


def steps(lines: list[str]) -> list[str]:
    return [found[1] for line in lines if (found := STEP.fullmatch(line))]


def sections(lines: list[str]) -> dict[str, list[str]]:
    """The lines in the groups of each title, in their order; those outside of all under no title."""
    found: dict[str, list[str]] = {"": []}
    title = ""
    for line in lines:
        if line.startswith("::group::"):
            assert not title
            title = line.removeprefix("::group::")
        elif line == "::endgroup::":
            assert title
            title = ""
        else:
            found.setdefault(title, []).append(line)
    assert not title
    return found


def test_a_terminal_shows_each_step_live_and_is_left_as_it_was_after_ctrl_c(ready: Operator) -> None:
    with gated(ready.sandbox) as gate:
        interrupted = Terminal(ready, "deploy")
        interrupted.until(" migrate ")
        interrupted.until("Applied 20260806150000/migrate")
        gate.reached()
        interrupted.type(INTERRUPT)
        assert interrupted.end() == 1
    assert re.search(r"pull +\d/\d layers", interrupted.drawn.decode())
    assert interrupted.cursor_is_shown
    assert not set(FRAMES) & set("".join(interrupted.lines))
    assert steps(interrupted.lines) == ["lock", "pull", "pending", "down", "migrate"]
    _, _, told = "".join(interrupted.lines).partition("  ✗ migrate ")
    assert "interrupted; the migration goes on" in told

    again = Terminal(ready, "deploy")
    assert again.end() == 0
    assert container(ready.host) == f"running {image_id(ready.host)}"
    assert again.cursor_is_shown
    assert not set(FRAMES) & set("".join(again.lines))
    assert steps(again.lines) == ["lock", "adopt", "pull", "pending", "up", "verify", "record"]
    assert all(len(line) == 40 for line in again.lines if STEP.fullmatch(line))
    assert again.lines[0] == "sandbox  galos-sync"
    assert re.fullmatch(r"deployed sha256:\w{8} in \d+\.\d s", again.lines[-1])


def test_a_deploy_whose_reader_goes_away_ends_all_the_same(ready: Operator) -> None:
    ours, theirs = os.pipe()
    deploy = processes.start(ready.command("deploy"), env=ready.variables(), stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    assert os.read(ours, 1)
    os.close(ours)
    assert deploy.communicate(timeout=HANG_SECONDS)[1] == ""
    assert deploy.returncode == 0
    assert container(ready.host) == f"running {image_id(ready.host)}"


@pytest.mark.unjudged("two hosts with one database: the service of the second is not stopped while the first migrates")
def test_github_folds_host_by_host_and_gets_the_failure_as_an_annotation(bare: Operator) -> None:
    wipe(bare.sandbox.host("sandbox-3"))
    bare.login = "sandbox,sandbox-3"
    bare.done("setup")
    bare.environment["GITHUB_ACTIONS"] = "true"
    lines = bare.done("deploy").splitlines()
    folded = sections(lines)
    stopped, started = ["lock", "pull", "pending", "down"], ["up", "verify", "record"]
    assert steps(folded["sandbox  galos-sync"]) == [*stopped, "migrate", *started]
    assert steps(folded["sandbox-3  galos-sync"]) == [*stopped, "pending", *started]
    assert sum(line.startswith("deployed sha256:") for line in folded[""]) == len(folded) - 1 == 2

    bare.sandbox.publish("broken-migration")
    result = bare("deploy", "--json")
    assert result.returncode == 6
    assert json.loads(result.stdout)["error"]["exit"] == 6
    told = result.stderr.splitlines()
    failure = next(line for line in told if line.startswith("::error "))
    assert failure.startswith("::error title=galos-ops%3A exit 6::sandbox: galos-sync: the migration failed")
    assert failure.endswith(f"%0Anext: publish an image with the migration corrected, then: {bare.next('deploy')}")
    assert told[told.index(failure) - 1] == "::endgroup::"
    assert any("axial_tilt" in line for line in told[: told.index(failure)])
