"""The runbook's order, told by the host's own Docker events and the database."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.integration.breaking import stopped
from tests.integration.conftest import REFERENCE, Operator, container, image_id
from tests.integration.gate import Gate, gated
from tests.processes import HANG_SECONDS

APPLIED = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version"
V1 = ["20260801120000", "20260803090000"]
V2 = [*V1, "20260806140000", "20260806150000"]


def applied(operator: Operator) -> list[str]:
    return operator.sandbox.query(APPLIED).split()


def test_the_runbook_from_a_bare_host_to_a_failed_migration(any_compose: Operator) -> None:
    fab, host = any_compose, any_compose.host
    fab.done("setup")
    assert "deployed sha256:" in fab.done("deploy")
    first = image_id(host)
    assert container(host) == f"running {first}"
    assert applied(fab) == V1
    stop_and_start(fab, first)

    fab.sandbox.publish("v2")
    mark = fab.judge.mark()
    fab.done("pull")
    assert image_id(host) != first
    assert container(host) == f"running {first}"
    fab.judge.untouched(mark)

    told = fab.refused(5, "up")
    assert "2 migrations of this image pending; it is not started." in told
    assert "20260806140000 allow stars without orbits" in told
    fab.judge.no_downtime(mark)
    assert applied(fab) == V1

    mark = fab.judge.mark()
    told = fab.done("deploy")
    second = image_id(host)
    assert container(host) == f"running {second}"
    assert applied(fab) == V2
    assert "2 applied" in told
    assert "service down for" in told
    assert fab.judge.migrations(mark) == [("v2", 0)]

    fab.sandbox.publish("broken-migration")
    told = fab.refused(6, "deploy")
    assert 'error returned from database: column "axial_tilt" of relation "bodies" does not exist' in told
    assert container(host) == ""
    assert applied(fab) == V2
    fab.refused(5, "up")
    assert container(host) == ""
    assert fab.refused(6, "deploy").count("axial_tilt") >= 1
    assert container(host) == ""


def stop_and_start(fab: Operator, image: str) -> None:
    """What the runbook says of stop, start, down and up, with nothing pending; the service runs before and after."""
    mark = fab.judge.mark()
    fab.done("stop")
    assert container(fab.host) == f"exited {image}"
    assert fab.judge.of_service(since=mark) == ["die"]
    fab.done("start")
    assert container(fab.host) == f"running {image}"
    assert "already runs" in fab.done("up")
    assert fab.judge.of_service(since=mark) == ["die", "start"]
    fab.done("down")
    assert container(fab.host) == ""
    fab.done("down", "stop")
    told = fab.refused(1, "start")
    assert "there is no container to start" in told
    assert told.splitlines()[-1] == f"next: {fab.next('up')}"
    fab.done("up")
    assert container(fab.host) == f"running {image}"
    assert "galos-sync v1:" in fab.done("logs", "--tail", "3")


def test_the_second_deploy_changes_nothing_and_says_so(deployed: Operator) -> None:
    deployed.done("deploy")  # the first one beside a container that was brought back by hand
    files = deployed.host.shell("cd && find . -type f | sort | xargs sha256sum")
    told = deployed.done("deploy")
    assert "nothing to do: sha256:" in told
    deployed.judge.untouched()
    changed = deployed.host.shell("cd && find . -type f | sort | xargs sha256sum")
    assert without_caches(changed) == without_caches(files)


def test_what_somebody_changed_since_the_last_deploy_is_put_right_by_the_next(deployed: Operator) -> None:
    deployed.done("deploy")
    host = deployed.host
    changes = {
        "docker stop": "docker stop $(docker ps -q)",
        ".env": "cd && echo MORE=yes >>.env",
        "the compose file": "cd && sed -i 's/max-size: 10m/max-size: 11m/' docker-compose.yml",
        "another of the same": "cd && docker-compose up -d --force-recreate",
        "docker rm": "docker rm -f $(docker ps -q)",
    }
    for what, change in changes.items():
        host.shell(change)
        before = host.shell("docker ps -q")
        told = deployed.done("deploy")
        after = host.shell("docker ps -q")
        assert after, what
        assert (after != before) == (what != "another of the same"), what
        assert ("nothing to do" in told) == (after == before), what
        assert "nothing to do" in deployed.done("deploy"), what
        assert host.shell("docker ps -q") == after, what
    assert host.shell("docker inspect -f '{{.Config.Env}} {{.HostConfig.LogConfig}}' $(docker ps -q)").count("MORE=yes")


def without_caches(listing: str) -> list[str]:
    return [line for line in listing.splitlines() if "/.ecr/" not in line]


def test_a_release_without_a_migration_is_not_stopped_for_one(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    deployed.sandbox.publish("v3")
    told = deployed.done("deploy")
    assert "pending   none" in told
    assert "  ✓ down" not in told
    assert container(deployed.host) == f"running {image_id(deployed.host)}"
    assert applied(deployed) == V2


def test_a_deploy_is_recorded_and_its_image_survives_pruning(deployed: Operator) -> None:
    images = [image_id(deployed.host)]
    for version in ("v2", "v3"):
        deployed.sandbox.publish(version)
        deployed.done("deploy")
        images.append(image_id(deployed.host))
    deployed.host.shell("docker image prune -f")
    assert images[1] in deployed.host.shell("docker images -q --no-trunc").split()
    lines = deployed.host.shell("cat ~/.galos-ops/releases.jsonl").splitlines()
    releases = [release for release in map(json.loads, lines) if release["event"] == "deploy"]
    assert [release["previous"] for release in releases] == [None, *images[:-1]]
    assert [release["image"] for release in releases] == images
    assert [[name.split()[0] for name in release["migrations"]] for release in releases[1:]] == [V2[2:], []]
    assert deployed.host.shell("stat -c %a ~/.galos-ops ~/.galos-ops/releases.jsonl").split() == ["700", "600"]


def test_only_the_last_releases_are_kept(deployed: Operator) -> None:
    deployed.environment["FABRIC_GALOS_RELEASES_KEEP"] = "1"
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    kept = deployed.host.shell("docker images --no-trunc --format '{{.ID}}' galos-ops/galos-sync").split()
    assert kept == [image_id(deployed.host)]


@pytest.mark.parametrize(
    ("release", "reason"),
    [("crashing", "its container restarts again and again"), ("unhealthy", "its health check says unhealthy")],
)
def test_an_image_that_does_not_stay_up_gives_way_to_the_previous_one(
    deployed: Operator, release: str, reason: str
) -> None:
    deployed.sandbox.publish("v2")
    deployed.done("deploy")
    good = image_id(deployed.host)
    deployed.sandbox.publish(release)
    told = deployed.refused(7, "deploy")
    assert reason in told
    assert f"the previous image {good[:15]} runs again" in told
    assert f"  | galos-sync {release}:" in told
    assert container(deployed.host) == f"running {good}"
    assert deployed.host.shell("grep -c '\"deploy\"' ~/.galos-ops/releases.jsonl") == "2"


def test_after_a_migration_nothing_is_rolled_back(deployed: Operator) -> None:
    deployed.sandbox.publish("crashing")
    told = deployed.refused(7, "deploy")
    assert "a migration ran, so the previous image must not start on the new schema" in told
    assert applied(deployed) == V2
    assert container(deployed.host).split()[1] == image_id(deployed.host)


def test_an_unknown_answer_stops_a_deploy_before_the_service_is_touched(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    with stopped(deployed.sandbox, "db"):
        told = deployed.refused(5, "deploy")
    assert "cannot tell whether migrations are pending; nothing is started while that is unknown." in told
    assert "  | error: " in told
    # Without its database the service ends by itself, and the engine starts it again.
    assert deployed.judge.of_service("create", "kill", "stop", "destroy") == []
    deployed.done("deploy")
    assert applied(deployed) == V2


def test_a_failing_pull_costs_no_downtime(deployed: Operator) -> None:
    with stopped(deployed.sandbox, "registry"):
        told = deployed.refused(1, "deploy")
    assert "could not pull" in told
    assert "what ran before is untouched" in told
    assert f"next: {deployed.next('ecr.check')}" in told
    deployed.judge.untouched()


def test_another_tag_can_be_deployed(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    deployed.sandbox.publish("v1")
    assert "deployed sha256:" in deployed.done("deploy", "--tag", "v2")
    released = image_id(deployed.host)
    assert container(deployed.host) == f"running {released}"
    assert {"latest"} == tags(deployed)
    digests = deployed.host.shell(f"docker image inspect -f '{{{{join .RepoDigests \" \"}}}}' {released}")
    assert digests.startswith(f"{REFERENCE}@sha256:")
    told = deployed.refused(5, "deploy")
    assert "was previously applied but is missing" in told
    assert container(deployed.host) == f"running {released}"
    deployed.refused(5, "deploy", "--tag", "v1")
    assert {"latest"} == tags(deployed)
    told = deployed.refused(1, "deploy", "--tag", "nowhere")
    assert f"could not pull {REFERENCE}:nowhere" in told


def test_a_tag_that_moves_while_migrating_is_not_what_starts(deployed: Operator) -> None:
    """Somebody pulls a newer latest on the host between the check and the start."""
    old = image_id(deployed.host)
    with migrating(deployed) as under_way:
        deployed.host.shell(f"docker tag {old} {REFERENCE}:latest")
        under_way.finish(0)
    checked = image_id(deployed.host, "latest")
    assert checked != old
    assert container(deployed.host) == f"running {checked}"


def wait_for(operator: Operator, script: str, seconds: int = HANG_SECONDS) -> None:
    """Return once a script succeeds, tried again and again on the host itself; fail with the state of the host."""
    loop = f"until {{ {script}; }} >/dev/null 2>&1; do sleep 0.05; done"
    if operator.host.execute(["timeout", str(seconds), "bash", "-c", loop], check=False).returncode:
        state = operator.host.shell("docker ps -a; ps -ef --forest", check=False)
        raise AssertionError(f"never true on the host: {script}\n{state}")


@dataclass
class Migrating:
    """A deploy whose migration waits at a gate."""

    deploy: subprocess.Popen[str]
    gate: Gate

    def finish(self, code: int) -> str:
        """Open the gate and return the output of the deploy, which must end with this exit code."""
        self.gate.open()
        return self.ended(code)

    def ended(self, code: int) -> str:
        """Return the output of the deploy, which must end by itself with this exit code, the gate as it is."""
        output = self.deploy.communicate(timeout=HANG_SECONDS)[0]
        assert self.deploy.returncode == code, output
        assert "Traceback" not in output
        return output


def tags(operator: Operator) -> set[str]:
    """The tags of the repository that the host has."""
    return set(operator.host.shell(f"docker images --format '{{{{.Tag}}}}' {REFERENCE}").split()) - {"<none>"}


@contextmanager
def migrating(operator: Operator) -> Iterator[Migrating]:
    """A deploy whose migration is inside its transaction and stays there until the gate is opened."""
    with gated(operator.sandbox) as gate, operator.start("deploy") as deploy:
        try:
            gate.reached()
            yield Migrating(deploy, gate)
        finally:
            deploy.kill()


def test_a_migration_past_its_time_is_stopped_on_the_host_too(deployed: Operator) -> None:
    slow = {"services": {"galos-sync": {"migration": {"timeout": 3}}}}
    with gated(deployed.sandbox):
        told = deployed.refused(6, "-f", deployed.configured(slow), "deploy")
        assert "the migration was not done after 3 s and was stopped" in told
        assert deployed.host.shell("docker ps -aq") == ""
        assert applied(deployed) == V2


def test_a_second_deploy_is_told_who_holds_the_host(deployed: Operator) -> None:
    with migrating(deployed) as first:
        for task in ("deploy", "up", "start", "migrate", "setup", "env.push", "ecr.region"):
            told = deployed.refused(4, task)
            assert "has held the host for deploy since 2" in told
            assert "nothing was changed" in told
        with deployed.start("deploy", "--wait", "120") as second:
            assert second.stdout
            assert "waiting at most 120 s: " in "".join(second.stdout.readline() for _ in range(2))
            first.finish(0)
            told = second.communicate(timeout=HANG_SECONDS)[0]
    assert second.returncode == 0, told
    assert "nothing to do" in told


def test_a_killed_deploy_leaves_no_lock_and_the_next_one_adopts_its_migration(deployed: Operator) -> None:
    with migrating(deployed) as first:
        first.deploy.kill()
        first.ended(-signal.SIGKILL)
        mark = deployed.judge.mark()
        assert "a migration that an earlier run began is still running on the host" in deployed.refused(5, "up")
        with deployed.start("deploy") as second:
            assert second.stdout
            shown = ""
            while "Applied 20260806150000" not in shown:
                shown = second.stdout.readline()
                assert shown, "the output of the migration that goes on was never shown"
            first.gate.open()
            told = second.communicate(timeout=HANG_SECONDS)[0]
    assert second.returncode == 0, told
    assert "✓ adopt" in told
    assert "✓ pending   none" in told
    assert container(deployed.host) == f"running {image_id(deployed.host)}"
    assert ("start", "galos-sync-migration") not in deployed.judge.actions("start", since=mark)


def test_an_adopted_migration_that_failed_is_a_failed_migration(deployed: Operator) -> None:
    deployed.sandbox.publish("broken-migration")
    deployed.done("pull")
    deployed.done("down")
    run = "docker-compose run -d -T --name galos-sync-migration --entrypoint sqlx galos-sync migrate run"
    deployed.host.shell(f"cd && {run} --source galos_db/migrations")
    mark = deployed.judge.mark()
    told = deployed.refused(6, "deploy")
    assert deployed.judge.actions("create", "start", since=mark) == []
    assert "axial_tilt" in told
    assert "the migration failed (exit 1)" in told
    assert container(deployed.host) == ""


def test_a_migration_that_is_killed_on_the_host_is_a_failed_one(deployed: Operator) -> None:
    with migrating(deployed) as first:
        deployed.host.shell("docker kill galos-sync-migration")
        told = first.ended(6)
    assert "the migration failed (exit 137: it was killed, by hand or as the host had no memory left)" in told
    assert container(deployed.host) == ""


def test_ctrl_c_during_a_migration_says_what_goes_on(deployed: Operator) -> None:
    with migrating(deployed) as first:
        first.deploy.send_signal(signal.SIGINT)
        told = first.ended(1)
        assert deployed.host.shell("docker ps --format '{{.Names}}'") == "galos-sync-migration"
    assert "interrupted; the migration goes on in the container galos-sync-migration" in told
    assert "docker logs -f galos-sync-migration" in told
    deployed.done("deploy")
    assert container(deployed.host) == f"running {image_id(deployed.host)}"


def test_a_migration_makes_every_earlier_answer_void(deployed: Operator) -> None:
    """v1 answered clean before; a half done migration of a later image is why it must be asked again."""
    deployed.sandbox.publish("broken-migration")
    deployed.refused(6, "deploy")
    told = deployed.refused(5, "deploy", "--tag", "v1")
    assert "was previously applied but is missing" in told
    assert container(deployed.host) == ""


def test_a_deploy_whose_lock_was_lost_changes_nothing_more(deployed: Operator) -> None:
    """The host let go of the lock while the client was away; on its return it is fenced off."""
    with migrating(deployed) as first:
        deployed.host.shell("echo another >~/.galos-ops/token")
        told = first.finish(4)
    assert "the lock expired, as no heartbeat reached the host" in told
    assert container(deployed.host) == ""
    deployed.done("deploy")


def test_json_is_one_document_and_the_steps_go_to_standard_error(deployed: Operator) -> None:
    first = image_id(deployed.host)
    deployed.sandbox.publish("v2")
    deployed.done("pull")
    result = deployed("pending", "--json")
    document = json.loads(result.stdout)
    assert result.returncode == document["exit"] == document["error"]["exit"] == 5
    service = document["hosts"][0]["services"]["galos-sync"]
    assert service["state"] == "pending"
    assert [name.split()[0] for name in service["migrations"]] == V2[2:]
    assert "! pending" in result.stderr

    outcome = json.loads(deployed.done("deploy", "--json"))["hosts"][0]["services"][0]
    assert outcome["changed"] is True
    assert (outcome["previous"], outcome["image"]) == (first, image_id(deployed.host))
    outcome = json.loads(deployed.done("deploy", "--json"))["hosts"][0]["services"][0]
    assert outcome["changed"] is False
    assert json.loads(deployed.done("pending", "--json"))["error"] is None


def test_a_service_that_compose_does_not_know_is_refused(deployed: Operator) -> None:
    deployed.host.shell("sed -i s/galos-sync:$/galos-snyc:/ ~/docker-compose.yml")
    told = deployed.refused(8, "deploy")
    assert "has no service galos-sync" in told
    assert "name it as there: galos-snyc" in told


def test_a_compose_file_that_starts_another_image_is_refused(deployed: Operator) -> None:
    deployed.host.shell("sed -i s/:latest/:v1/ ~/docker-compose.yml")
    told = deployed.refused(8, "deploy")
    assert f"starts {REFERENCE}:v1, not {REFERENCE}:latest" in told
