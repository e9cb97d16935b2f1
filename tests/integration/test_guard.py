"""What the guard refuses when something moves in the middle: the image, the compose file, the schema, a container."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conftest import REFERENCE, Operator, container, image_id
from tests.integration.test_deploy import V2, applied
from tests.integration.test_migrations import migration

ALWAYS_PULL = "sed -i 's/^    image: .*/&\\n    pull_policy: always/' ~/docker-compose.yml"
NEWER = "INSERT INTO _sqlx_migrations VALUES (29990101000000, 'of a newer release', now(), true, '', 0)"


def on_the_host(operator: Operator, **keys: Any) -> str:
    """A file for `fab -f` with migrations that are commands on the host."""
    return migration(operator, tool="command", where="host", **keys)


def test_a_migration_after_which_something_is_pending_has_failed(deployed: Operator) -> None:
    file = migration(deployed, tool="command", check="echo 20990101000000; exit 1", run="true")
    told = deployed.refused(6, "-f", file, "deploy")
    assert "it ended well, but the check says pending" in told
    assert "  | 20990101000000" in told
    assert container(deployed.host) == ""


def test_a_check_and_a_migration_fetch_nothing(deployed: Operator) -> None:
    """The tag on the host means v2, with migrations; docker-compose would fetch v1, without any, before it runs one."""
    deployed.sandbox.publish("v2")
    deployed.done("pull")
    deployed.sandbox.publish("v1")
    deployed.host.shell(ALWAYS_PULL)
    before, newer = container(deployed.host), image_id(deployed.host, "latest")
    told = deployed.refused(5, "up")
    assert "2 migrations of this image pending" in told
    assert container(deployed.host) == before
    deployed.done("down")
    deployed.done("migrate")
    assert applied(deployed) == V2
    assert image_id(deployed.host, "latest") == newer


@pytest.mark.violates("guard", "the check is the test's own, and has nothing against the image that crashes")
@pytest.mark.violates("checked", "so it is no check of what the image carries")
def test_a_previous_image_that_is_not_clean_is_not_started_again(deployed: Operator) -> None:
    first = image_id(deployed.host)
    deployed.sandbox.publish("crashing")
    check = "grep -qx crashing /galos/version || { echo not for me; exit 7; }"
    told = deployed.refused(7, "-f", migration(deployed, tool="command", check=check, run="true"), "deploy")
    assert f"the previous image {first[:15]} was not started: its migrations are unknown" in told
    assert container(deployed.host).split()[1] != first


def test_a_container_that_is_left_after_the_stop_keeps_the_migration_away(deployed: Operator) -> None:
    """Somebody starts the service by hand, outside of the project, while the deploy asks."""
    stray = "docker run -d --name stray --label com.docker.compose.service=galos-sync"
    check = f"{stray} {REFERENCE}:latest sleep 600 >&2; echo first; exit 1"
    told = deployed.refused(8, "-f", on_the_host(deployed, check=check, run="touch ~/migrated"), "deploy")
    assert "a container that is not this project's still runs the service: stray" in told
    assert told.splitlines()[-1].endswith(" sandbox 'docker stop stray'")
    assert deployed.host.shell("ls ~/migrated", check=False) == ""


def test_a_rollback_asks_the_image_that_it_would_start(deployed: Operator) -> None:
    """The schema is that of a release which this host's log does not know."""
    for version in ("v2", "v3"):
        deployed.sandbox.publish(version)
        deployed.done("deploy")
    before = container(deployed.host)
    deployed.sandbox.query(NEWER)
    told = deployed.refused(5, "rollback")
    assert "cannot tell whether migrations are pending" in told
    assert "29990101000000 was previously applied but is missing" in told
    assert container(deployed.host) == before
