"""One command for many hosts: one run, one document, and next commands that keep what was typed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.described import violations
from tests.integration.conftest import Operator, container, image_id, wipe
from tests.integration.gate import gated
from tests.integration.test_dry_run import held
from tests.processes import HANG_SECONDS

GROUP = """
import sys
from fabric import Config, ThreadingGroup
from galos_ops.errors import GuardError
from galos_ops.tasks import pending

config = Config(runtime_ssh_path=sys.argv[1])
config.load_ssh_config()
try:
    pending(ThreadingGroup("sandbox", "sandbox-3", config=config))
except GuardError as refusal:
    print(refusal.message)
"""


@pytest.fixture
def three(deployed: Operator) -> Operator:
    """An operator at a host where v1 runs, one that does not exist, and a bare one."""
    wipe(deployed.sandbox.host("sandbox-3"))
    return replace(deployed, login="sandbox,absent.invalid,sandbox-3")


def alone(operator: Operator, host: str, *words: str) -> str:
    return replace(operator, login=host).next(*words)


def test_a_task_that_looks_tells_of_every_host(three: Operator) -> None:
    result = three("status", "--json")
    document = json.loads(result.stdout)
    assert violations(document, "status") == []
    assert [(row["host"], row["exit"]) for row in document["hosts"]] == [
        ("sandbox", 0),
        ("absent.invalid", 3),
        ("sandbox-3", 8),
    ]
    assert (result.returncode, document["exit"], document["not_tried"]) == (3, 3, [])
    assert document["hosts"][0]["services"][0]["container"]["state"] == "running"
    assert result.stderr.splitlines()[-4:] == [
        "absent.invalid: no address is known for absent.invalid.",
        "next: check the name after -H",
        "sandbox-3: there is no compose file in ~.",
        f"next: {alone(three, 'sandbox-3', 'setup')}",
    ]


def test_a_task_that_changes_hosts_stops_and_names_those_that_were_not_tried(three: Operator) -> None:
    before = image_id(three.host)
    three.sandbox.publish("v2")
    told = three.refused(3, "pull")
    assert "absent.invalid: no address is known for absent.invalid. Not tried: sandbox-3." in told
    assert image_id(three.host) != before
    assert container(three.host) == f"running {before}"
    assert three.sandbox.host("sandbox-3").shell("docker images -q --filter reference=*/galos-sync") == ""


def test_of_tasks_that_are_typed_together_one_is_over_before_the_next(deployed: Operator) -> None:
    wipe(deployed.sandbox.host("sandbox-3"))
    both = replace(deployed, login="sandbox,sandbox-3")
    lines = [line.partition("Z ")[2] for line in both.done("setup", "deploy").splitlines()]
    heads = [line for line in lines if re.fullmatch(r"sandbox(-3)?  [a-z-]+", line)]
    assert heads[:2] == ["sandbox  setup", "sandbox-3  setup"]
    assert set(heads[2:]) == {"sandbox  galos-sync", "sandbox-3  galos-sync"}
    assert container(deployed.sandbox.host("sandbox-3")).startswith("running ")


def test_a_group_of_a_program_of_ones_own_is_worked_on_host_by_host(deployed: Operator, tmp_path: Path) -> None:
    other = deployed.sandbox.host("sandbox-3")
    wipe(other)
    replace(deployed, login="sandbox-3").done("setup")
    deployed.sandbox.publish("v2")
    replace(deployed, login="sandbox,sandbox-3").done("pull")
    (tmp_path / "group.py").write_text(GROUP)
    words = [sys.executable, str(tmp_path / "group.py"), str(deployed.sandbox.ssh_config)]
    done = subprocess.run(
        words, env=deployed.variables(), text=True, capture_output=True, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    refusals = [line for line in done.stdout.splitlines() if line.endswith("pending; it is not started.")]
    assert [line.partition(":")[0] for line in refusals] == ["sandbox", "sandbox-3"]
    assert "next: fab -H sandbox-3 deploy" in done.stdout


def test_the_next_command_is_the_same_release_again(deployed: Operator) -> None:
    with held(deployed.host):
        told = deployed.refused(4, "deploy", "--tag", "v1", "--service", "galos-sync")
        words = ("deploy", "--service", "galos-sync", "--tag", "v1")
        assert told.splitlines()[-1] == f"next: {deployed.next(*words, '--wait', '600')}"
        assert deployed.refused(4, "up").splitlines()[-1] == f"next: when that is over: {deployed.next('up')}"


def test_the_json_of_an_interrupted_deploy_says_so(deployed: Operator) -> None:
    words, pipe = deployed.command("deploy", "--json"), subprocess.PIPE
    with gated(deployed.sandbox) as gate:
        running = subprocess.Popen(
            words, cwd=deployed.root, env=deployed.variables(), text=True, stdout=pipe, stderr=pipe
        )
        gate.reached()
        running.send_signal(signal.SIGINT)
        shown, told = running.communicate(timeout=HANG_SECONDS)
    document = json.loads(shown)
    assert running.returncode == document["exit"] == 1, told
    assert violations(document, "deploy") == []
    assert "interrupted; the migration goes on in the container" in document["error"]["sentence"]
    assert document["hosts"][0]["error"] == document["error"]
    deployed.done("deploy")


def test_an_interrupt_before_the_first_step_is_in_the_document(deployed: Operator) -> None:
    """The connection is open, and the lock is somebody else's: the task waits."""
    with held(deployed.host):
        words, pipe = deployed.command("deploy", "--json", "--wait", "100"), subprocess.PIPE
        running = subprocess.Popen(
            words, cwd=deployed.root, env=deployed.variables(), text=True, stdout=pipe, stderr=pipe
        )
        assert running.stderr
        assert any("waiting at most 100 s" in line for line in running.stderr)
        running.send_signal(signal.SIGTERM)
        shown, told = running.communicate(timeout=HANG_SECONDS)
    document = json.loads(shown)
    assert running.returncode == document["exit"] == 1, told
    assert violations(document, "deploy") == []
    assert document["error"]["sentence"].startswith("sandbox: interrupted;")
    assert document["error"]["next"] == f"it looks at the host first: {deployed.next('deploy', '--wait', '100')}"
