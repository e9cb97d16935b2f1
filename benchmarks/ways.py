"""The ways to deploy that are compared: the same host, the same compose file, the same image."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.measure import Sample, measure
from sandbox.host import Host
from sandbox.sandbox import Sandbox

HERE = Path(__file__).parent
ROOT = HERE.parent
PEERS = HERE / ".peers"
PACKAGES = ("pyinfra>=3,<4", "ansible>=11")
LINE = "docker-compose pull -q && docker-compose up -d"
MIGRATION = "docker-compose run --rm -T --entrypoint sqlx galos-sync migrate run --source galos_db/migrations"
BY_HAND = f"docker-compose pull -q && docker-compose down && {MIGRATION} && docker-compose up -d"
SSH, FABRIC, PYINFRA, ANSIBLE, OURS = "ssh", "Fabric", "pyinfra", "Ansible", "galos-ops"
FLOOR, FLOOR_OF_A_MIGRATION = "stop, start", "stop, migrate, start"
LOOPBACK, SLOW = "loopback", "100 ms round trip"
STOP_AND_START = "id=$(docker ps -q --filter label=com.docker.compose.service) && docker stop $id && docker start $id"
STOP_MIGRATE_AND_START = """
docker-compose pull -q && image=$(docker-compose config --images) && old=$(docker-compose ps -q) &&
made='docker create --init --network root_default --env-file .env' &&
migration=$($made --entrypoint sqlx $image migrate run --source galos_db/migrations) &&
new=$($made --label com.docker.compose.service=galos-sync $image) &&
docker stop $old && docker start -a $migration && docker start $new && docker rm -f $migration $new
"""
"""With both containers made before the stop, nothing proved, nothing asked again: what a migration costs at least."""


def install() -> None:
    """Install the peers, in a virtual environment of their own."""
    if not (PEERS / "bin/ansible-playbook").exists():
        venv.create(PEERS, with_pip=True)
        subprocess.run([PEERS / "bin/pip", "install", "--quiet", *PACKAGES], check=True)


@dataclass(frozen=True)
class Link:
    """A way to the host, and the ssh_config that takes it."""

    name: str
    config: Path


def quick() -> dict[str, str]:
    """Return this process's variables, but for one that makes Python compile everything anew each time."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Place:
    """Where deploys are measured."""

    sandbox: Sandbox
    host: Host

    def variables(self, **more: str) -> dict[str, str]:
        """Return the environment of each way; what starts is watched by none of them."""
        return {**quick(), **self.sandbox.environment, "FABRIC_GALOS_VERIFY_SECONDS": "0", **more}

    def fab(self, link: Link, root: Path = ROOT, hosts: Sequence[str] = ()) -> list[str]:
        """Return the words of `fab` at the host, or at several ones, with the tasks of a folder."""
        return [
            str(Path(sys.executable).with_name("fab")),
            "-S",
            str(link.config),
            "-H",
            ",".join(hosts) or self.host.name,
            "-r",
            str(root),
        ]

    def ways(self, link: Link, *, migrates: bool) -> dict[str, Callable[[], Sample]]:
        """Return each way by its name, as what measures one run; with a migration by hand as the runbook has it."""
        line, name, facts = BY_HAND if migrates else LINE, self.host.name, json.dumps({"migrates": migrates})
        inventory = link.config.with_name(f"inventory_{link.config.parent.name}.py")
        inventory.write_text(f"hosts = [({name!r}, {{'ssh_config_file': {str(link.config)!r}, 'ssh_user': 'root'}})]\n")
        pyinfra, ansible = (str(PEERS / "bin" / each) for each in ("pyinfra", "ansible-playbook"))
        floors = {FLOOR: STOP_AND_START, FLOOR_OF_A_MIGRATION: STOP_MIGRATE_AND_START} if migrates else {}
        argvs = {  # the floors first: what comes last leaves the service running, for the next work
            **{floor: ["ssh", "-F", str(link.config), name, script] for floor, script in floors.items()},
            SSH: ["ssh", "-F", str(link.config), name, line],
            FABRIC: [*self.fab(link, HERE / "peers"), "line", "--command", line],
            PYINFRA: [pyinfra, "-y", str(inventory), str(HERE / "peers/pyinfra_deploy.py")],
            ANSIBLE: [ansible, "-i", f"{name},", "-e", facts, str(HERE / "peers/ansible.yml")],
            OURS: [*self.fab(link), "deploy"],
        }
        return {way: partial(self._measured, argv, line, link) for way, argv in argvs.items()}

    def _measured(self, argv: list[str], line: str, link: Link) -> Sample:
        with tempfile.TemporaryDirectory() as folder:  # Ansible keeps no connection from one run to the next
            variables = self.variables(
                LINE=line,
                ANSIBLE_PIPELINING="true",
                ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3",
                ANSIBLE_SSH_ARGS=f"-F {link.config} -o ControlMaster=auto -o ControlPersist=5s",
                ANSIBLE_SSH_CONTROL_PATH_DIR=folder,
            )
            return measure(self.host, argv, variables)
