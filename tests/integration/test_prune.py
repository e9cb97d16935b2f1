"""Nothing of ours piles up on a host, and `prune` takes away what is left there, and nothing else."""

from __future__ import annotations

import pytest

from tests.faults.steps import held
from tests.integration.conftest import REFERENCE, Operator, container, image_id
from tests.integration.test_failed_migration import digest
from tests.integration.test_status import document
from tests.processes import HANG_SECONDS

LABELS = "--label com.docker.compose.service=galos-sync --label com.docker.compose.oneoff=True"


def images(operator: Operator) -> set[str]:
    """The images of the repository on the host, whatever names them."""
    form = "{{.Id}} {{.RepoTags}} {{.RepoDigests}}"
    every = f"docker images -aq | sort -u | xargs docker image inspect -f '{form}' | grep galos-sync"
    return {line.split()[0] for line in operator.host.shell(every).splitlines()}


def volumes(operator: Operator) -> set[str]:
    return set(operator.host.shell("docker volume ls -q").split())


def test_images_whose_deploys_failed_do_not_pile_up(deployed: Operator) -> None:
    kept = {image_id(deployed.host)}
    for version, code in (("v2", 0), ("crashing", 7), ("unhealthy", 7), ("v3", 0)):
        deployed.sandbox.publish(version)
        assert deployed("deploy").returncode == code
        if code == 0:
            kept.add(image_id(deployed.host))
    assert images(deployed) == kept
    deployed.environment["FABRIC_GALOS_RELEASES_KEEP"] = "1"
    deployed.sandbox.publish("healthy")
    deployed.done("deploy")
    assert images(deployed) == {image_id(deployed.host)}


@pytest.mark.violates("checked", "the migration of another image failed before it")
def test_the_image_that_was_stopped_for_a_migration_is_not_swept(deployed: Operator) -> None:
    """Somebody started it by hand, so that no release of it is in the log."""
    deployed.host.shell(
        "rm -r ~/.galos-ops\n"
        "docker images --format '{{.Repository}}:{{.Tag}}' galos-ops/galos-sync | xargs -r docker rmi"
    )
    before = image_id(deployed.host)
    deployed.sandbox.publish("broken-migration")
    deployed.refused(6, "deploy")
    deployed.sandbox.publish("v3")
    with held(deployed, "up") as up:
        running = deployed.start("deploy")
        up.reached()
        assert before in images(deployed)
        up.open()
        told, _ = running.communicate(timeout=HANG_SECONDS)
    assert running.returncode == 0, told
    deployed.done("deploy")
    assert container(deployed.host) == f"running {image_id(deployed.host)}"


def test_prune_takes_what_is_ours_and_not_needed_and_nothing_else(deployed: Operator) -> None:
    host, first = deployed.host, image_id(deployed.host)
    for version in ("v2", "v3"):
        deployed.sandbox.publish(version)
        deployed.done("deploy")
    third = image_id(host)
    deployed.sandbox.publish("healthy")
    deployed.done("pull")
    fetched, old = image_id(host), digest(deployed, first)
    before = volumes(deployed)
    with deployed.judge.by_hand("what dead clients left, and what others put there"):
        host.shell(
            f"docker tag {fetched} galos-ops/galos-sync:candidate && docker tag {third} {REFERENCE}:latest\n"
            f"docker tag {first} others/galos-sync:mine\n"
            f"docker create --name galos-sync-check-0a1b -v /data --label galos-ops=check {LABELS} {third}\n"
            f"docker create --name galos-sync-check-0a1c {LABELS} {third}"
        )
    deployed.environment["FABRIC_GALOS_RELEASES_KEEP"] = "1"
    everything = images(deployed)
    [row] = document(deployed, "prune --dry-run", "prune", "--dry-run")["services"]
    assert images(deployed) == everything
    mark = deployed.judge.mark()
    [done] = document(deployed, "prune", "prune")["services"]
    assert done == row
    assert done["containers"] == ["galos-sync-check-0a1b"]
    assert "galos-ops/galos-sync:candidate" in done["images"]
    assert f"{REFERENCE}@{old}" not in done["images"]
    assert images(deployed) == {third, first}, "what others tagged stays"
    tagged = host.shell("docker images -q --no-trunc galos-ops/galos-sync").split()
    assert tagged == [third], "a kept release lost what spares it from pruning"
    assert volumes(deployed) == before
    assert container(host) == f"running {third}"
    deployed.judge.no_downtime(mark)
    assert "nothing of ours that is not needed" in deployed.done("prune")
    with deployed.judge.by_hand("what others put there"):
        host.shell("docker rm galos-sync-check-0a1c; docker rmi others/galos-sync:mine")
