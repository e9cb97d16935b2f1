"""docs/upgrade.md: what takes galos-ops from a host leaves the service as it is."""

from __future__ import annotations

import re

from tests.integration.conftest import ROOT, Operator, container


def test_uninstalling_leaves_the_service_and_nothing_of_ours(deployed: Operator) -> None:
    page = (ROOT / "docs/upgrade.md").read_text().partition("## Uninstall from a host")[2]
    ours, theirs = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[:2]
    assert ours.startswith("fab -H HOST prune ")
    before = container(deployed.host)
    deployed.done("prune")
    told = deployed.host.shell(f"cd\n{theirs.replace('docker image prune', 'docker image prune -f')}")
    assert told.splitlines()[0].startswith("CONTAINER ID")
    assert told.splitlines()[1].startswith("Untagged: galos-ops/")
    assert container(deployed.host) == before
    assert deployed.host.shell("docker image ls -q 'galos-ops/*'; docker ps -aq --filter label=galos-ops") == ""
    assert deployed.host.shell("ls -d ~/.galos-ops", check=False) == ""
    deployed.judge.no_downtime()
    deployed.done("deploy")
    assert container(deployed.host) == before
