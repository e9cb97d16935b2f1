"""The demos of the front door, each run to its end in a copy of the checkout, with the sandbox that is its own."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests import processes

OWN = ("tasks.py", "fabfile.py", "fabfile.yml")
SHOWN = {
    "demo": [r"\(exit 5\)", r"2 applied(.|\n)*service down for"],
    "demo-fleet": [r"(2 applied(.|\n)*){2}", r"sandbox-3  galos-sync  sha256:\w+  changed  down for"],
    "demo-swarm": [r"(2 applied(.|\n)*){2}", ", start-first", "service down for 0.0 s", "2/2"],
}
"""What is seen in the output of each, as regular expressions."""


@pytest.mark.parametrize("name", SHOWN)
def test_a_demo_runs_to_its_end_and_shows_what_it_is_for(name: str, tmp_path: Path) -> None:
    made = shutil.ignore_patterns(".state", "env", "known_hosts", "ssh_config", "__pycache__")
    shutil.copytree(processes.ROOT / "sandbox", tmp_path / "sandbox", ignore=made)
    for own in OWN:
        shutil.copy(processes.ROOT / own, tmp_path)
    programs = {"PATH": f"{Path(sys.executable).parent}:{processes.environment()['PATH']}"}
    try:
        told = processes.run(["sh", f"sandbox/{name}.sh"], cwd=tmp_path, env=processes.environment(programs))
    finally:
        processes.run(["fab", "sandbox.down"], cwd=tmp_path, env=processes.environment(programs))
    assert told.returncode == 0, told.stdout + told.stderr
    assert [each for each in SHOWN[name] if not re.search(each, told.stdout)] == [], told.stdout
