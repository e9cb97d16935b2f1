"""A clean answer is remembered for what was asked, and for nothing else."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Operator

AS_BEFORE = "none, as checked before"
MOUNT = "/etc:/of-the-host:ro"
IN_THE_FILE = "sed -i 's/^    init: true$/    init: true\\n    stop_grace_period: 9s/' ~/docker-compose.yml"


@pytest.mark.parametrize("part", ["image", ".env", "compose file", "settings"])
def test_whatever_changes_is_asked_again(deployed: Operator, part: str) -> None:
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    assert AS_BEFORE in deployed.done("deploy")
    words = ["deploy"]
    if part == "image":
        deployed.sandbox.publish("v3")
    elif part == ".env":
        deployed.host.shell("echo LOG_LEVEL=debug >>~/.env")
    elif part == "compose file":
        deployed.host.shell(IN_THE_FILE)
    else:
        migration = {"arguments": "--source galos_db/migrations --ignore-missing"}
        words = ["-f", deployed.configured({"services": {"galos-sync": {"migration": migration}}}), "deploy"]
    assert AS_BEFORE not in deployed.done(*words)
    assert AS_BEFORE in deployed.done(*words)


def test_what_depends_on_a_mount_is_asked_each_time(deployed: Operator) -> None:
    """Migrations may lie in it."""
    deployed.host.shell(f"sed -i 's#^    init: true$#&\\n    volumes: [{MOUNT}]#' ~/docker-compose.yml")
    for _ in range(2):
        assert AS_BEFORE not in deployed.done("deploy")
