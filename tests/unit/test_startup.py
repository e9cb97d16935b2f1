"""What is loaded before anything is done: nothing that Fabric has not loaded, but for the tasks and the settings."""

from __future__ import annotations

import subprocess
import sys

import pytest

from galos_ops.tasks.executor import COLLECTED_EVERY
from tests.processes import ROOT, environment

LOADED = """
import sys
import fabric.main
before = set(sys.modules)
sys.argv = ["fab", *sys.argv[1:]]
try:
    fabric.main.program.run(exit=False)
finally:
    sys.stdout.flush()
    print(*sorted(sys.modules.keys() - before), file=sys.stderr)
"""
TASKS = {
    *("galos_ops", "galos_ops.config"),
    *(f"galos_ops.{name}" for name in ("errors", "escapes", "progress", "redaction")),
    *(f"galos_ops.config.{name}" for name in ("building", "command_line", "loading", "settings", "yaml_text")),
    *(
        "galos_ops.tasks",
        *(f"galos_ops.tasks.{name}" for name in ("executor", "host_task", "logs", "mistakes", "typed")),
    ),
    *(f"galos_ops.tasks.{name}" for name in ("attaching", "configuring", "holding", "looking", "preparing")),
    *(f"galos_ops.tasks.{name}" for name in ("releasing", "running")),
}
OF_THE_CHECKOUT = {"fabfile", "tasks", "sandbox", "sandbox.catalogue", "sandbox.tasks"}
OF_PYTHON = {"gc", "pwd"}
HEAVY = ("boto3", "botocore", "rich", "dotenv", "configupdater", "galos_ops.workflows", "galos_ops.engines")


def python(script: str) -> str:
    """What a script prints in a Python of its own."""
    argv = [sys.executable, "-c", script]
    return subprocess.run(argv, cwd=ROOT, env=environment(), text=True, capture_output=True, check=True).stdout


def loaded(*words: str) -> set[str]:
    """The modules that `fab WORDS` loads beyond those of Fabric itself."""
    argv = [sys.executable, "-c", LOADED, *words]
    told = subprocess.run(argv, cwd=ROOT, env=environment(), text=True, capture_output=True, check=False)
    return set(told.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [("--list",), ("--complete", "--", "fab dep"), ("--help", "deploy"), ("--version",)])
def test_what_only_tells_of_the_tasks_loads_them_and_nothing_else(words: tuple[str, ...]) -> None:
    assert loaded(*words) <= TASKS | OF_THE_CHECKOUT | OF_PYTHON


@pytest.mark.parametrize("words", [("deploy",), ("-H", "box", "deploy", "--oops")])
def test_a_command_that_is_refused_before_it_connects_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    assert [name for name in loaded(*words) if name.startswith(HEAVY)] == []


UNUSED = ("galos_ops.engines.swarm.swarm", "galos_ops.engines.swarm.stack", "galos_ops.workflows.telling")


def test_a_task_loads_no_engine_and_no_dry_run_before_it_knows_that_it_needs_them() -> None:
    told = python("import sys, galos_ops.workflows.deploy, galos_ops.workflows.ops; print(*sys.modules)")
    assert [name for name in told.split() if name in UNUSED] == []


GARBAGE = "import gc; print(gc.get_freeze_count() > 0, gc.get_threshold()[0])"


def test_a_program_does_not_search_what_it_has_loaded_for_garbage_and_a_library_leaves_that_alone() -> None:
    assert python(f"import fabric.main, galos_ops.tasks; {GARBAGE}") == f"True {COLLECTED_EVERY}\n"
    assert python(f"import galos_ops.tasks.program; {GARBAGE}") == f"True {COLLECTED_EVERY}\n"
    assert python(f"import galos_ops.tasks; {GARBAGE}") == python(GARBAGE)
