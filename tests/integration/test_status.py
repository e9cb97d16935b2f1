"""What an operator looks at: `status`, `history`, `logs --follow`, and the JSON of every task that has it."""

from __future__ import annotations

import json
import re
import shlex
import signal
from typing import Any

from tests import processes
from tests.described import violations
from tests.integration.breaking import engine_stopped, stopped
from tests.integration.conftest import REFERENCE, Operator, container, image_id
from tests.integration.test_deploy import V2, migrating, wait_for, without_caches
from tests.processes import HANG_SECONDS

FOLLOWING = "ps -eo args | grep -q '[d]ocker-compose logs\\|^cat$'"


def document(operator: Operator, kind: str, *words: str, code: int = 0) -> dict[str, Any]:
    """What the JSON of a task has on its host; it must be as docs/json.md has it."""
    result = operator(*words, "--json")
    assert result.returncode == code, result.stdout + result.stderr
    whole = json.loads(result.stdout)
    assert violations(whole, kind) == []
    assert whole["exit"] == code
    found: dict[str, Any]
    [found] = whole["hosts"]
    return found


def shown(output: str) -> dict[str, list[str]]:
    """`MARK DETAIL` of each line of a status, by name."""
    found: dict[str, list[str]] = {}
    for line in output.splitlines():
        mark, name, detail = [*re.split("  +", line.partition("Z ")[2], maxsplit=2), "", ""][:3]
        if mark in ("✓", "!", "✗"):
            found.setdefault(name, []).append(f"{mark} {detail}")
    return found


def snapshot(operator: Operator) -> list[str]:
    files = without_caches(operator.host.shell("cd && find . -type f | sort | xargs sha256sum"))
    images = operator.host.shell("docker images -a --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' | sort")
    return [*files, *images.splitlines(), operator.host.shell("docker ps -aq --no-trunc")]


def test_a_host_where_all_is_well_and_then_a_release_with_a_migration(deployed: Operator) -> None:
    first, before = image_id(deployed.host), snapshot(deployed)
    lines = shown(deployed.done("status"))
    assert lines["lock"] == ["✓ free"]
    assert lines["helper"] == ["✓ installed"]
    assert "running" in lines["container"][0]
    assert lines["image"][0].startswith(f"✓ {first[:15]} latest, made ")
    assert "deploy of latest by " in lines["release"][0]
    assert lines["registry"] == ["✓ newest"]
    assert lines["migrations"] == ["✓ none pending, as checked before"]
    deployed.host.shell("rm ~/.galos-ops/galos-sync.passed")
    assert document(deployed, "status", "status")["services"][0]["pending"]["remembered"] is False

    deployed.sandbox.publish("v2")
    lines = shown(deployed.done("status", "--service", "galos-sync"))
    assert lines["registry"][0].startswith("! newer in the registry: sha256:")
    listed = document(deployed, "ecr.images", "ecr.images")["services"][0]["images"]
    [image] = [one for one in listed if "latest" in one["tags"]]
    seen = document(deployed, "status", "status")
    assert seen["well"] is True
    assert seen["services"][0]["registry"] == {"state": "newer", "digest": image["digest"], "reason": None}
    assert [line for line in snapshot(deployed) if line not in before] == []

    deployed.done("pull")
    before = snapshot(deployed)
    seen = document(deployed, "status", "status", code=5)
    [service] = seen["services"]
    assert [name.split()[0] for name in service["pending"]["migrations"]] == V2[2:]
    assert service["container"]["image"] == service["release"]["image"] == first
    assert service["image"]["id"] == image_id(deployed.host) != first
    assert service["registry"]["state"] == "newest"
    assert seen["error"]["next"] == deployed.next("deploy")
    assert snapshot(deployed) == before
    document(deployed, "pending", "pending", code=5)
    deployed.host.shell(
        "cp ~/docker-compose.yml ~/away; sed -i 's/^    init: true/&\\n    pull_policy: always/' ~/away"
    )
    deployed.host.shell("mv ~/docker-compose.yml ~/kept; mv ~/away ~/docker-compose.yml")
    seen = document(deployed, "status", "status", code=5)
    assert [name.split()[0] for name in seen["services"][0]["pending"]["migrations"]] == V2[2:]
    deployed.host.shell("mv ~/kept ~/docker-compose.yml")

    document(deployed, "deploy", "deploy")
    second = image_id(deployed.host)
    deployed.sandbox.publish("v3")
    document(deployed, "deploy", "deploy")
    document(deployed, "rollback", "rollback")
    assert document(deployed, "status", "status")["services"][0]["release"]["event"] == "rollback"

    deployed.host.shell("""printf '{"event": "dep\\n\\033[2J\\n' >>~/.galos-ops/releases.jsonl""")
    log = document(deployed, "history", "history")
    assert [line["event"] for line in log["releases"][:3]] == ["rollback", "deploy", "deploy"]
    assert [line["image"] for line in log["releases"] if line["runs"]] == [second]
    assert log["releases"][0]["runs"] is True
    assert log["unreadable"] == 2
    told = deployed.done("history", "--limit", "1")
    assert "*" in told
    assert "2 lines of the log could not be read" in told
    assert "migrate" not in told
    assert "\x1b" not in told


def test_a_container_that_is_not_up_is_said_with_the_next_command(deployed: Operator) -> None:
    deployed.done("stop")
    told = deployed.refused(7, "status")
    assert "its container does not run" in told
    assert f"next: {deployed.next('up')}" in told
    deployed.done("down")
    told = deployed.refused(7, "status")
    assert "it has no container" in told
    deployed.sandbox.publish("v2")
    deployed.done("deploy")

    for release, reason in (("crashing", "restarts again and again"), ("unhealthy", "health check says unhealthy")):
        deployed.sandbox.publish(release)
        with deployed.judge.by_hand("a person starts an image that does not stay up"):
            deployed.host.shell("cd && docker-compose pull -q && docker-compose up -d")
        find = "docker ps -aq --filter label=com.docker.compose.service=galos-sync"
        state = "{{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{end}}"
        wait_for(deployed, f"{find} | xargs docker inspect -f '{state}' | grep -q '[1-9]\\|unhealthy'")
        assert reason in deployed.refused(7, "status")
    assert container(deployed.host).startswith("running ")


def test_what_cannot_be_known_is_never_well(deployed: Operator) -> None:
    with stopped(deployed.sandbox, "registry"):
        told = deployed.refused(8, "status")
    assert "cannot tell what the registry has" in told
    assert f"next: {deployed.next('ecr.check')}" in told

    deployed.host.shell("sed -i s/:latest/:v1/ ~/docker-compose.yml")
    assert f"starts {REFERENCE}:v1, not {REFERENCE}:latest" in deployed.refused(8, "status")
    deployed.host.shell("mv ~/docker-compose.yml ~/away")
    seen = document(deployed, "status", "status", code=8)
    assert "there is no compose file" in seen["error"]["sentence"]
    assert seen["services"][0]["container"]["state"] == "running"
    deployed.host.shell("mv ~/away ~/docker-compose.yml; sed -i s/:v1/:latest/ ~/docker-compose.yml")

    with engine_stopped(deployed.host):
        seen = document(deployed, "status", "status", code=8)
        assert document(deployed, "history", "history")["releases"][0]["runs"] is False
    assert "the Docker engine does not answer" in seen["error"]["sentence"]
    assert seen["services"][0]["container"]["state"] == "unknown"
    assert seen["services"][0]["release"]["event"] == "deploy"


def test_a_host_that_nobody_set_up(bare: Operator) -> None:
    seen = document(bare, "status", "status", code=8)
    assert seen["error"]["next"] == bare.next("setup")
    assert "no release has been recorded on this host" in bare.done("history")


def test_a_migration_that_runs_is_shown_and_nobody_waits(deployed: Operator) -> None:
    with migrating(deployed) as first:
        seen = document(deployed, "status", "status", code=4)
        assert first.deploy.poll() is None
        assert seen["lock"]["held"] is True
        assert seen["lock"]["task"] == "deploy"
        assert seen["services"][0]["migrator"] == "running"
        assert seen["services"][0]["pending"]["reason"] == "a migration runs now"
        first.finish(0)
    deployed.done("status")


def test_nothing_follows_the_logs_once_the_client_is_gone(deployed: Operator) -> None:
    for ending, code in ((signal.SIGINT, 0), (signal.SIGKILL, -9)):
        following = deployed.start("logs", "--follow")
        assert following.stdout
        assert "galos-sync v1:" in following.stdout.readline()
        wait_for(deployed, FOLLOWING)
        following.send_signal(ending)
        told = following.communicate(timeout=HANG_SECONDS)[0]
        assert following.returncode == code
        assert "Traceback" not in told
        wait_for(deployed, f"! {{ {FOLLOWING}; }}")


def test_logs_end_in_silence_when_nobody_reads_them(deployed: Operator) -> None:
    line = f"set -o pipefail; {shlex.join(deployed.command('logs'))} | head -n 0"
    ended = processes.run(["bash", "-c", line], env=deployed.variables())
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
