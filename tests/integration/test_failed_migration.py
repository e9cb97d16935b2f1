"""A migration that failed: what of it is kept on the host, what is told of it, and the way back to the image before."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from tests.integration.breaking import queried
from tests.integration.conftest import REFERENCE, Operator, container, image_id
from tests.integration.gate import gated
from tests.integration.test_deploy import V2, applied
from tests.integration.test_status import document, shown

FAULT = 'column "axial_tilt" of relation "bodies" does not exist'


def digest(operator: Operator, image: str) -> str:
    """The registry's digest of an image on the host."""
    return operator.host.shell(f"docker image inspect -f '{{{{index .RepoDigests 0}}}}' {image}").partition("@")[2]


def migrations(operator: Operator) -> list[dict[str, Any]]:
    """What `history` says of migrations, newest first."""
    return [line for line in document(operator, "history", "history")["releases"] if line["event"] == "migrate"]


def way_back(operator: Operator) -> str:
    """The command that `rollback` names."""
    return operator.refused(5, "rollback").splitlines()[-1].rpartition(": ")[2]


@pytest.fixture
def failed(deployed: Operator) -> Operator:
    """An operator at a host where v2 ran, and the migration of the release after it has failed."""
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    deployed.sandbox.publish("broken-migration")
    told = deployed.refused(6, "deploy")
    assert "publish an image with the migration corrected, then: " in told
    return deployed


def test_how_a_migration_ended_and_what_it_said_stay_on_the_host(failed: Operator) -> None:
    broken, first, *_ = migrations(failed)
    assert (broken["outcome"], broken["reason"]) == ("failed", "exit 1")
    assert [name.split()[0] for name in broken["migrations"]] == ["20260811100000"]
    assert FAULT in broken["evidence"][-1]
    assert (first["outcome"], first["evidence"]) == ("succeeded", [])
    folder = "~/.galos-ops/migrations"
    assert failed.host.shell(f"stat -c %a {folder} {folder}/*").split() == ["700", "600", "600", "600"]
    assert FAULT in failed.host.shell(f"cat ~/{broken['output']}")
    assert "rename surface columns" in failed.host.shell(f"cat ~/{first['output']}")
    table = failed.done("history")
    assert "failed, exit 1" in table
    assert table.count("  well") == 2


def test_status_says_that_the_last_migration_failed_when_and_with_what(failed: Operator) -> None:
    told = failed("status")
    assert told.returncode == 6
    assert shown(told.stdout)["migrations"][0].startswith("✗ 1 pending; the last one failed ")
    assert "galos-sync: its last migration failed, 20" in told.stderr
    assert "(exit 1)." in told.stderr
    assert FAULT in told.stderr
    assert told.stderr.splitlines()[-1].startswith("next: publish an image with the migration corrected, then: ")
    row = document(failed, "status", "status", code=6)["services"][0]
    assert row["failed"]["outcome"] == "failed"
    failed.sandbox.publish("v3")
    failed.done("deploy")
    assert document(failed, "status", "status")["services"][0]["failed"] is None


@pytest.mark.violates(
    "checked", "the image before starts, which has nothing pending, after another one failed to migrate"
)
def test_the_way_back_that_rollback_names_starts_the_image_before_where_its_check_is_clean(failed: Operator) -> None:
    before = json.loads(failed.host.shell("grep '\"deploy\"' ~/.galos-ops/releases.jsonl | tail -n 1"))["image"]
    assert container(failed.host) == ""
    command = shlex.split(way_back(failed))
    assert command[-2:] == ["--tag", digest(failed, before)]
    told = failed.refused(6, "deploy")
    assert f"None of it is recorded as applied: {shlex.join(command)}, where the tables are as before, " in told
    assert f"deployed {before[:15]}" in failed.done(*command[command.index("deploy") :])
    assert container(failed.host) == f"running {before}"
    assert image_id(failed.host) == before
    assert applied(failed) == V2
    status = document(failed, "status", "status")["services"][0]
    assert status["registry"]["state"] == "newer"
    assert status["failed"] is None


def test_the_way_back_over_a_migration_that_was_applied_is_refused_by_the_check(deployed: Operator) -> None:
    first = image_id(deployed.host)
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    second = image_id(deployed.host)
    command = shlex.split(way_back(deployed))
    assert command[-1] == digest(deployed, first)
    assert "cannot tell whether migrations are pending" in deployed.refused(5, *command[command.index("deploy") :])
    assert container(deployed.host) == f"running {second}"


def test_a_digest_is_deployed_as_a_tag_is_and_a_dry_run_tells_it(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    deployed.done("pull")
    second = image_id(deployed.host)
    wanted = digest(deployed, second)
    deployed.host.shell(f"docker rmi {REFERENCE}@{wanted} {REFERENCE}:latest")
    assert f"{second[:15]}, to be fetched" in deployed.done("deploy", "--tag", wanted, "--dry-run")
    deployed.done("deploy", "--tag", wanted)
    assert container(deployed.host) == f"running {second}"
    assert document(deployed, "history", "history")["releases"][0]["tag"] == wanted
    assert f"{second[:15]}, already here" in deployed.done("deploy", "--tag", wanted, "--dry-run")
    assert "it must be a Docker tag, or a digest" in deployed.refused(2, "deploy", "--tag", "sha256:12")


def test_a_database_that_somebody_locks_is_told_from_a_bad_migration(deployed: Operator) -> None:
    deadline = "ALTER ROLE galos SET lock_timeout = '500ms'"
    with queried(deployed.sandbox, deadline, "ALTER ROLE galos RESET lock_timeout"), gated(deployed.sandbox):
        told = deployed.refused(6, "deploy")
    assert "the migration failed (exit 1: the database is locked by somebody else)" in told
    assert "next: see who holds it, then: " in told
    assert migrations(deployed)[0]["reason"] == "exit 1: the database is locked by somebody else"
    deployed.done("deploy")


def test_an_image_whose_migration_cannot_start_is_told_from_a_bad_migration(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    file = deployed.configured(
        {"services": {"galos-sync": {"migration": {"tool": "command", "check": "exit 1", "run": "nonsense"}}}}
    )
    told = deployed.refused(6, "-f", file, "deploy")
    assert "the migration failed (exit 127: it never started)" in told
    deployed.done("deploy")
