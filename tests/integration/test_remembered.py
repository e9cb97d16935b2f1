"""A clean answer is remembered for what was asked, and for nothing else."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Operator

AS_BEFORE = "none, as checked before"
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
