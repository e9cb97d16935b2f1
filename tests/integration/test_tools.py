"""Each migration tool that the sandbox has, as it really answers: clean, pending, failed, its database away."""

from __future__ import annotations

import pytest

from tests.integration.breaking import stopped
from tests.integration.conftest import REFERENCE, Operator, container, image_id

COMPOSE = """services:
  galos-sync:
    image: {service}
    env_file: .env
    init: true
  migrations:
    image: {migrations}
    env_file: .env
    profiles: [migrations]
"""
NAMES = {
    "alembic": ("0001 create bodies", "0002 name bodies"),
    "dbmate": ("0001 create stars", "0002 name stars"),
    "django": ("systems 0001 create systems", "systems 0002 name systems"),
}


@pytest.mark.parametrize("tool", NAMES)
def test_a_tool_is_understood_in_all_it_says(deployed: Operator, tool: str) -> None:
    """Its migrations come in an image of their own, and the service runs on what it needs itself."""
    keys = {"tool": tool, "service": "migrations", "arguments": ""}
    config = ("-f", deployed.configured({"services": {"galos-sync": {"migration": keys}}}))
    first, second = NAMES[tool]

    def project(migrations: int) -> None:
        file = COMPOSE.format(service=REFERENCE, migrations=deployed.sandbox.publish_project(tool, migrations))
        deployed.host.execute(["sh", "-c", "cat >~/docker-compose.yml"], stdin=file)
        deployed.judge.tags.add(f"{tool}-{migrations}")

    def pending() -> list[str]:
        told = deployed.refused(5, *config, "pending")
        return [line.removeprefix("  | ") for line in told.splitlines() if line.startswith("  | ")]

    project(2)
    deployed.done(*config, "pull")
    assert pending() == [first, second]
    assert "2 applied" in deployed.done(*config, "deploy")
    assert "pending   none" in deployed.done(*config, "pending")

    project(3)
    failed = deployed(*config, "deploy")  # a traceback in it is the tool's own
    assert failed.returncode == 6, failed.stdout + failed.stderr
    assert "the migration failed (exit " in failed.stderr
    assert 'column "absent"' in failed.stderr
    assert container(deployed.host) == ""
    assert len(pending()) == 1

    project(2)
    deployed.done(*config, "deploy")
    assert container(deployed.host) == f"running {image_id(deployed.host)}"
    with stopped(deployed.sandbox, "db"):
        told = deployed.refused(5, *config, "pending")
    assert "cannot tell whether migrations are pending" in told
    assert "  | " in told
