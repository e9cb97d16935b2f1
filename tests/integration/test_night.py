"""What a person looks for at night: some lines of a log, and what was done to a host."""

from __future__ import annotations

import json
import re
import signal

import pytest

from sandbox.sandbox import Sandbox
from tests.integration.breaking import stopped, undone
from tests.integration.conftest import FLAVOURS, REFERENCE, Operator, fresh
from tests.processes import HANG_SECONDS


def test_logs_of_a_time_and_of_a_pattern_with_any_docker_compose(any_compose: Operator) -> None:
    any_compose.done("setup")
    any_compose.done("deploy")
    whole = any_compose.done("logs", "--since", "1h")
    assert "galos-sync v1:" in whole
    timed = any_compose.done("logs", "--since", "1h", "--timestamps", "--grep", "v1: watching")
    lines = timed.splitlines()
    assert lines
    assert all(re.search(r"\| +\d{4}-\d\d-\d\dT\S+ .*v1: watching", line) for line in lines), lines
    assert any_compose.done("logs", "--grep", "no such words") == ""
    assert len(any_compose.done("logs", "--since", "1h", "--tail", "1").splitlines()) == 1

    following = any_compose.start("logs", "--since", "1h", "--timestamps", "--grep", "watching", "--follow")
    assert following.stdout
    while "v1: watching" not in (line := following.stdout.readline()):
        assert line, "it ended"
    said = "echo not this >/proc/1/fd/1; echo watching what comes >/proc/1/fd/1"
    any_compose.host.shell(f"docker exec $(docker ps -q --filter name=galos-sync) sh -c '{said}'")
    assert re.search(r"\| +\d{4}-\d\d-\d\dT\S+ watching what comes$", following.stdout.readline().rstrip())
    following.send_signal(signal.SIGINT)
    assert (following.communicate(timeout=HANG_SECONDS)[0], following.returncode) == ("", 0)

    for words in (["--since", "soon"], ["--grep", "("], ["--tail", "x"]):
        any_compose.refused(2, "logs", *words)


def test_what_was_done_to_a_host_is_in_its_log(bare: Operator) -> None:
    bare.done("ecr.credentials", "ecr.region", "ecr.region", "ecr.docker-config")
    bare.done("setup")
    bare.done("setup")
    bare.done("env.push")
    (bare.sandbox.directory / ".env.more").write_text((bare.sandbox.directory / ".env").read_text() + "MORE=1\n")
    bare.environment["FABRIC_GALOS_ENV_FILE"] = str(bare.sandbox.directory / ".env.more")
    bare.done("env.push")
    bare.done("deploy")
    bare.done("stop")
    bare.done("stop", "--dry-run")
    bare.done("down", "--service", "galos-sync")
    bare.done("down")
    bare.host.shell("chmod 644 ~/.env")
    bare("doctor", "--fix")
    found = json.loads(bare.done("history", "--json"))["hosts"][0]["releases"]
    done = [(one["event"], one["service"], one["detail"]) for one in reversed(found) if not one["image"]]
    parts = ["ecr.credentials", "ecr.region", "ecr.docker-config"]
    assert [event for event, _, _ in done] == [*parts, "setup", "env.push", "stop", "down", "down", "doctor"]
    assert done[0][2] == "~/.aws/credentials written: keys of user/galos-host in 261923651564"
    assert done[3][2] == "env.push; compose file"
    assert done[4][2].endswith("added MORE")
    assert [service for _, service, _ in done[5:8]] == ["galos-sync", "galos-sync", ""]
    assert "private .env" in done[8][2]
    assert "DETAIL" in bare.done("history")


def test_a_setup_that_fails_has_what_it_did_in_the_log(bare: Operator) -> None:
    with stopped(bare.sandbox, "registry"):
        assert "ecr.check" in bare("setup").stdout
    [done] = json.loads(bare.done("history", "--json"))["hosts"][0]["releases"]
    assert (done["event"], done["detail"]) == (
        "setup",
        "ecr.credentials; ecr.region; ecr.docker-config; env.push; compose file",
    )


def test_a_down_that_fails_has_what_it_stopped_in_the_log(sandbox: Sandbox) -> None:
    """docker-compose v1 ends with 1 where it cannot remove the network, which it comes to last."""
    operator = Operator(sandbox, fresh(sandbox, FLAVOURS["v1"]), FLAVOURS["v1"])
    operator.judge.begin()
    operator.done("setup", "deploy")
    theirs = f"docker run -d --name theirs --network root_default --entrypoint sleep {REFERENCE}:latest 600"
    with undone(operator.host, theirs, "docker rm -f theirs"):
        assert "has active endpoints" in operator.refused(1, "down")
    operator.done("down")
    done, failed, *_ = json.loads(operator.done("history", "--json"))["hosts"][0]["releases"]
    assert (failed["event"], failed["detail"]) == ("down", "failed; down by then: root_galos-sync_1")
    assert (done["event"], done["detail"]) == ("down", "")


def test_history_has_what_an_image_says_of_its_making(deployed: Operator) -> None:
    listed = json.loads(deployed.done("history", "--json"))["hosts"][0]["releases"]
    assert {(one["version"], one["revision"]) for one in listed if one["image"]} == {("v1", None)}
    deployed.sandbox.publish("v2")
    assert "to be fetched, v1 → ?" in deployed.done("deploy", "--dry-run")
    deployed.done("pull")
    assert ", v1 → v2" in deployed.done("deploy", "--dry-run")


def test_a_helper_that_does_not_know_a_name_of_ecr_is_told_so(bare: Operator) -> None:
    file = bare.configured({"ecr": {"registry": "261923651564.dkr-ecr.eu-central-1.on.aws"}})
    bare.done("-f", file, "ecr.docker-config")
    assert "update docker-credential-ecr-login on sandbox" in bare.refused(8, "-f", file, "ecr.check")


@pytest.mark.parametrize("flavour", ["v1", "v2"])
def test_the_helpers_of_debian_know_the_fips_names_of_ecr_and_not_the_dual_stack_ones(
    sandbox: Sandbox, flavour: str
) -> None:
    """Those of Debian 12 and 13, as docs/configuration.md says."""
    host = fresh(sandbox, FLAVOURS[flavour])

    def known(name: str) -> bool:
        asked = f"rm -rf ~/.ecr; echo 261923651564.{name} | docker-credential-ecr-login get 2>&1; cat ~/.ecr/log/*"
        said = host.shell(f"{{ {asked}; }} 2>&1; true")
        assert said
        return "can only be used with Amazon Elastic Container Registry" not in said

    assert known("dkr.ecr-fips.us-east-1.amazonaws.com")
    assert not known("dkr-ecr.eu-central-1.on.aws")
    assert not known("dkr-ecr-fips.us-east-1.on.aws")
    assert not known("example.com")
