"""Deploys that somebody holds back, for a time and with a reason."""

from __future__ import annotations

import getpass
import json

import pytest

from tests.integration.conftest import Operator, container

FILE = "~/.galos-ops/hold"


def test_what_starts_or_migrates_is_refused_with_who_and_why(deployed: Operator) -> None:
    told = deployed.done("hold", "--for", "2h", "--because", "restoring the database")
    assert "begun: for 2h: restoring the database" in told
    mark, before = deployed.judge.mark(), container(deployed.host)
    for words in (["deploy"], ["deploy", "--dry-run"], ["up"], ["start"], ["rollback"], ["migrate"], ["prune"]):
        refusal = deployed.refused(4, *words)
        assert f"{getpass.getuser()} on " in refusal
        assert " holds deploys back until 20" in refusal
        assert ": restoring the database; nothing was changed." in refusal
        assert deployed.next("hold", "--end") in refusal
    assert container(deployed.host) == before
    assert deployed.judge.of_service(since=mark) == []

    document = json.loads(deployed.done("status", "--json"))["hosts"][0]
    assert document["hold"]["because"] == "restoring the database"
    assert "!  hold" in deployed.done("status")
    deployed.done("hold", "--for", "1d", "--because", "it takes longer")
    assert "it takes longer" in deployed.refused(4, "deploy")

    assert "ended: it takes longer" in deployed.done("hold", "--end")
    assert "nobody holds deploys back" in deployed.done("hold", "--end")
    deployed.done("deploy")
    log = json.loads(deployed.done("history", "--json"))["hosts"][0]
    details = [one["detail"] for one in log["releases"] if one["event"] == "hold"]
    assert details == [
        "ended: it takes longer",
        "begun: for 1d: it takes longer",
        "begun: for 2h: restoring the database",
    ]
    assert "for 2h: restoring the database" in deployed.done("history")


def test_a_hold_ends_by_itself(deployed: Operator) -> None:
    deployed.done("hold", "--for", "2h", "--because", "x")
    deployed.host.shell(f"sed -i 1s/.*/$(date +%s)/ {FILE}")
    deployed.done("deploy")
    assert json.loads(deployed.done("status", "--json"))["hosts"][0]["hold"] is None


def test_a_hold_of_somebody_else_is_not_replaced_but_may_be_ended(deployed: Operator) -> None:
    deployed.done("hold", "--for", "2h", "--because", "mine")
    deployed.host.shell(f"""sed -i 's/"user": "[^"]*"/"user": "ann"/' {FILE}""")
    assert "ann on " in deployed.refused(4, "hold", "--for", "1m", "--because", "theirs")
    assert "would be ended: mine" in deployed.done("hold", "--end", "--dry-run")
    assert "ann on " in deployed.refused(4, "deploy")
    deployed.done("hold", "--end")
    deployed.done("deploy")


@pytest.mark.parametrize(
    "words",
    [
        ["--for", "2h"],
        ["--because", "x"],
        ["--for", "2h", "--because", " "],
        ["--for", "soon", "--because", "x"],
        ["--for", "0s", "--because", "x"],
        ["--for", "31d", "--because", "x"],
        ["--end", "--for", "2h"],
        [],
    ],
)
def test_a_hold_needs_a_time_and_a_reason(bare: Operator, words: list[str]) -> None:
    bare.refused(2, "hold", *words)


def test_a_hold_begins_beside_no_task_that_changes_the_host(deployed: Operator) -> None:
    holding = "exec 9>>lock; flock 9; setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $!"
    pid = deployed.host.shell(f"cd ~/.galos-ops; echo '{{}}' >holder; {holding}")
    try:
        assert "another galos-ops task holds the host" in deployed.refused(4, "hold", "--for", "2h", "--because", "x")
    finally:
        deployed.host.shell(f"kill {pid}; : >~/.galos-ops/holder")
