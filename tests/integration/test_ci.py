"""The workflows of docs/ci: their commands, run in the order of the file, as the CI service would run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import processes
from tests.integration.conftest import ROOT, Operator, container, image_id

SERVICES = {
    "github": {
        "GITHUB_ACTIONS": "true",
        "GITHUB_RUN_ID": "42",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "galos/ops",
    },
    "gitlab": {"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.example/galos/ops/-/jobs/42"},
}
RUNS = {
    "github": "https://github.example/galos/ops/actions/runs/42",
    "gitlab": "https://gitlab.example/galos/ops/-/jobs/42",
}


@dataclass(frozen=True)
class Step:
    """Commands of a workflow and the variables that they alone are given."""

    script: str
    variables: dict[str, str]


def steps(service: str, values: dict[str, str]) -> list[Step]:
    """The commands of a workflow, its expressions replaced by the values that they stand for."""
    if service == "github":
        tree = yaml.safe_load((ROOT / "docs/ci/github-actions.yml").read_text())
        return [
            Step(step["run"], {name: values[said.strip("${} ")] for name, said in step.get("env", {}).items()})
            for step in tree["jobs"]["deploy"]["steps"]
            if "run" in step
        ]
    job = yaml.safe_load((ROOT / "docs/ci/gitlab-ci.yml").read_text())["deploy"]
    return [Step("\n".join([*job["before_script"], *job["script"]]), {**job["variables"], **values})]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, and an empty virtual environment for a workflow to install into."""
    folder = tmp_path_factory.mktemp("ci")
    left_out = shutil.ignore_patterns(
        ".git", ".venv", ".state", "build", "tests", "__pycache__", "*.egg-info", ".*_cache"
    )
    shutil.copytree(ROOT, folder / "checkout", ignore=left_out)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    return folder


def run(machine: Path, home: Path, service: str, step: Step) -> subprocess.CompletedProcess[str]:
    """Run one step with bash, as both services do."""
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_proxy")}
    variables = {
        **pip,
        "XDG_CONFIG_HOME": str(Path.home() / ".config"),
        "PIP_CACHE_DIR": str(Path.home() / ".cache/pip"),
        "HOME": str(home),
        "PATH": f"{machine / 'venv/bin'}:{os.environ['PATH']}",
        "FABRIC_GALOS_VERIFY_SECONDS": "1",
        **SERVICES[service],
        **step.variables,
    }
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script]
    return processes.run(words, cwd=machine / "checkout", env=variables)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_the_commands_of_a_workflow_deploy_and_fail_with_a_report(
    deployed: Operator, machine: Path, tmp_path: Path, service: str
) -> None:
    deployed.sandbox.publish("v2")
    *before, last = steps(service, secrets(deployed, service, tmp_path))
    for step in [*before, last]:
        done = run(machine, tmp_path, service, step)
        assert done.returncode == 0, done.stdout + done.stderr
    assert container(deployed.host) == f"running {image_id(deployed.host)}"
    [released] = report(machine)["hosts"][0]["services"]
    assert released["changed"] is True
    log = [json.loads(line) for line in deployed.host.shell("cat ~/.galos-ops/releases.jsonl").splitlines()]
    assert [line["run"] for line in log[-2:]] == [RUNS[service]] * 2
    assert ((tmp_path / ".ssh/id_ed25519").stat().st_mode & 0o777) == 0o600

    deployed.sandbox.publish("broken-migration")
    assert run(machine, tmp_path, service, last).returncode == 6
    assert report(machine)["error"]["exit"] == 6


def secrets(operator: Operator, service: str, folder: Path) -> dict[str, str]:
    """What a person sets in the service's settings: the host, its key, our key."""
    sandbox = operator.sandbox
    texts = {
        "SSH_KEY": (sandbox.state / "ssh_key").read_text(),
        "KNOWN_HOSTS": (sandbox.directory / "known_hosts").read_text(),
    }
    host = f"root@127.0.0.1:{operator.host.port}"
    if service == "github":
        return {
            "secrets.SSH_KEY": texts["SSH_KEY"].rstrip("\n"),
            "vars.KNOWN_HOSTS": texts["KNOWN_HOSTS"],
            "vars.DEPLOY_HOST": host,
            "inputs.tag": "",
        }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {**{name: str(folder / name) for name in texts}, "DEPLOY_HOST": host}


def report(machine: Path) -> Any:
    return json.loads((machine / "checkout/report.json").read_text())
