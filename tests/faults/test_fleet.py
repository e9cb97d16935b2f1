"""Several hosts on one database: one migration, nothing beside it on any of them, and what the loss of one leaves."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox.sandbox import Sandbox
from tests.described import violations
from tests.faults.conftest import Running
from tests.faults.relay import Relay, redirected, relayed
from tests.faults.steps import held
from tests.integration.breaking import containerd_store, engine_stopped
from tests.integration.conftest import FLAVOURS, Operator, container, image_id, kept, wipe
from tests.integration.gate import gated
from tests.integration.test_deploy import V2, applied

FIRST, SECOND, THIRD = (FLAVOURS[flavour] for flavour in ("v2", "v1", "v5"))
ALL = ",".join((FIRST, SECOND, THIRD))
MARKER = "~/.galos-ops/migrating"


@pytest.fixture
def second(bare: Operator) -> Operator:
    return member(bare.sandbox, SECOND)


@pytest.fixture
def third(bare: Operator) -> Operator:
    return member(bare.sandbox, THIRD)


def member(sandbox: Sandbox, name: str) -> Operator:
    """An operator at a bare host that is to be one of a fleet."""
    wipe(sandbox.host(name))
    return Operator(sandbox, sandbox.host(name), name)


@dataclass
class Fleet:
    """Three hosts where v1 runs; `relay` is the link to the second one."""

    operator: Operator
    members: tuple[Operator, ...]
    relay: Relay
    config: Path

    @property
    def second(self) -> Operator:
        return self.members[1]

    def start(self, *words: str) -> Running:
        """Start `fab` at all hosts, the second one behind the relay."""
        return Running(self.operator.start(*words, ssh_config=self.config))

    def run_latest(self) -> None:
        """Assert that every host runs the same image, which is the newest one."""
        assert {container(each.host) for each in self.members} == {f"running {image_id(self.second.host)}"}

    def converges(self) -> None:
        """The same command again ends well on every host, and leaves no marker."""
        self.operator.done("deploy", "--wait", "100")
        self.run_latest()
        assert applied(self.operator) == V2
        for each in self.members:
            assert each.host.shell(f"ls {MARKER}", check=False) == ""
            log = [json.loads(line) for line in each.host.shell("cat ~/.galos-ops/releases.jsonl").splitlines()]
            assert [one["image"] for one in log if one["event"] == "deploy"][-1] == image_id(each.host)


@pytest.fixture
def fleet(bare: Operator, second: Operator, third: Operator, tmp_path: Path) -> Iterator[Fleet]:
    operator = replace(bare, login=ALL)
    kept([bare, second, third], "fleet", lambda: operator.done("setup", "deploy"))
    with relayed(second.host.port) as relay:
        config = redirected(bare.sandbox, {second.host.port: relay.port}, tmp_path)
        yield Fleet(operator, (bare, second, third), relay, config)


def migrations(fleet: Fleet) -> list[list[tuple[str, int | None]]]:
    return [each.judge.migrations() for each in fleet.members]


def test_one_migration_while_every_host_is_down_and_the_second_deploy_changes_nothing(fleet: Fleet) -> None:
    fleet.operator.sandbox.publish("v2")
    result = fleet.operator("deploy", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert violations(document, "deploy") == []
    rows = [(row["host"], row["exit"], [one["migrations"] for one in row["services"]]) for row in document["hosts"]]
    names = ["20260806140000 allow stars without orbits", "20260806150000 rename surface columns"]
    assert rows == [(name, 0, [names]) for name in ALL.split(",")]
    assert migrations(fleet) == [[("v2", 0)], [], []]
    table = [line.split()[1:5] for line in result.stderr.splitlines()[-3:]]
    assert table == [[name, "galos-sync", image_id(fleet.second.host)[:15], "changed"] for name in ALL.split(",")]
    fleet.run_latest()
    marks = [each.judge.mark() for each in fleet.members]
    told = fleet.operator.done("deploy")
    assert told.count("nothing to do") == len(fleet.members)
    for each, mark in zip(fleet.members, marks, strict=True):
        each.judge.no_downtime(since=mark)


def test_without_a_migration_host_after_host_is_changed_and_the_first_failure_ends_it(fleet: Fleet) -> None:
    fleet.operator.sandbox.publish("v2")
    fleet.operator.done("deploy")
    fleet.operator.sandbox.publish("crashing")
    before = [container(each.host) for each in fleet.members]
    told = fleet.operator.refused(7, "deploy")
    assert "runs again" in told
    assert f"Not tried: {SECOND}, {THIRD}." in told
    assert f"next: publish a corrected image, then: {fleet.operator.next('deploy')}" in told
    assert [container(each.host) for each in fleet.members] == before
    fleet.operator.sandbox.publish("v3")
    assert json.loads(fleet.operator("status", "--json").stdout)["differences"] == []
    fleet.members[0].done("deploy")
    document = json.loads(fleet.operator("status", "--json").stdout)
    assert violations(document, "status") == []
    [row] = document["differences"]
    first, second, third = (one["image"] for one in row["images"])
    assert first != second == third
    fleet.operator.done("-f", fleet.operator.configured({"fleet": {"parallel": 2}}), "deploy")
    fleet.run_latest()


def test_a_host_that_cannot_be_reached_changes_nothing_anywhere(fleet: Fleet) -> None:
    fleet.operator.sandbox.publish("v2")
    away = replace(fleet.operator, login=f"{ALL},absent.invalid")
    result = away("deploy", "--json")
    document = json.loads(result.stdout)
    assert (result.returncode, document["exit"]) == (3, 3)
    assert violations(document, "deploy") == []
    assert [row["host"] for row in document["hosts"]] == ["absent.invalid"]
    assert document["not_tried"] == ALL.split(",")
    for each in fleet.members:
        each.judge.untouched()


@pytest.mark.violates("checked", "the release that mends it has no migration that is pending any more")
def test_a_failed_migration_leaves_all_down_and_marked_until_it_is_mended(fleet: Fleet) -> None:
    fleet.operator.sandbox.publish("broken-migration")
    told = fleet.operator.refused(6, "deploy")
    assert "Down since " in told
    for each in fleet.members:
        assert container(each.host) == ""
        assert each.host.shell(f"cat {MARKER}", check=False) == ALL
    result = fleet.second("status")
    assert result.returncode == 5
    assert f"-H {ALL} deploy" in result.stderr
    for task in ("up", "deploy"):
        told = fleet.second.refused(5, "-f", fleet.second.configured({"hosts": ALL}), task)
        assert "a migration of its fleet began and is not known to be over" in told
    assert f"-H {ALL} deploy" in told.splitlines()[-1]
    fleet.operator.sandbox.publish("v3")
    fleet.converges()


def test_a_host_that_is_lost_while_it_stops_starts_the_others_again(fleet: Fleet) -> None:
    before = [container(each.host) for each in fleet.members]
    fleet.operator.sandbox.publish("v2")
    with held(fleet.second, "down") as down:
        running = fleet.start("deploy")
        down.reached()
        fleet.relay.reset()
        assert running.end() == 3, running.told
        down.open()
    assert "Perhaps down since" in running.told
    assert f"galos-sync on {SECOND}" in running.told
    assert "Traceback" not in running.told
    for each in (0, 2):
        assert container(fleet.members[each].host) == before[each]
    assert migrations(fleet) == [[], [], []]
    fleet.converges()


def test_a_migration_whose_client_died_is_resumed_with_every_host_down(fleet: Fleet) -> None:
    with gated(fleet.operator.sandbox) as gate:
        running = fleet.start("deploy")
        gate.reached()
        running.kill()
        for each in fleet.members:
            assert container(each.host) == ""
        for words in (("up",), ("deploy", "--dry-run"), ("deploy",)):
            told = fleet.second.refused(5, *words)  # no galos.hosts: the marker alone says which hosts there are
            assert "a migration of its fleet began" in told
        assert migrations(fleet) == [[("slow-migration", None)], [], []]
        again = fleet.start("deploy", "--wait", "100")
        gate.open()
        assert again.end() == 0, again.told
    assert "✓ adopt" in again.told
    fleet.run_latest()
    assert all(each.host.shell(f"ls {MARKER}", check=False) == "" for each in fleet.members)


def test_a_host_lost_during_the_migration_keeps_no_other_down_and_comes_back(fleet: Fleet) -> None:
    with gated(fleet.operator.sandbox) as gate:
        running = fleet.start("deploy")
        gate.reached()
        fleet.relay.reset()
        gate.open()
        assert running.end() == 3, running.told
    assert "Perhaps down since" in running.told
    for each in (fleet.members[0], fleet.members[2]):
        assert container(each.host) == f"running {image_id(each.host)}"
        assert each.host.shell(f"ls {MARKER}", check=False) == ""
    assert container(fleet.second.host) == ""
    told = fleet.second.refused(5, "up")
    assert "a migration of its fleet began" in told
    fleet.second.done("-f", fleet.second.configured({"hosts": ALL}), "deploy")
    fleet.run_latest()
    assert fleet.second.host.shell(f"ls {MARKER}", check=False) == ""


def test_an_interrupt_reaches_every_host_and_names_them(fleet: Fleet) -> None:
    fleet.operator.sandbox.publish("v2")
    with held(fleet.second, "pull") as pull:
        running = fleet.start("deploy")
        pull.reached()
        running.process.send_signal(signal.SIGINT)
        assert running.end() == 1, running.told
        pull.open()
    assert f"{FIRST}, {SECOND}, {THIRD}: interrupted" in running.told
    assert "Traceback" not in running.told
    for each in fleet.members:
        each.judge.no_downtime()
    fleet.converges()


def test_one_machine_under_two_names_is_usage(fleet: Fleet, tmp_path: Path) -> None:
    text = fleet.operator.sandbox.ssh_config.read_text()
    config = tmp_path / "twice"
    config.write_text(text.replace(f"Host {SECOND}\n", f"Host {SECOND} twin\n"))
    twice = replace(fleet.operator, login=f"{ALL},twin")
    running = Running(twice.start("deploy", ssh_config=config))
    assert running.end() == 2, running.told
    assert "are the same machine; nothing was changed" in running.told


def test_of_many_deploys_at_once_in_any_order_one_runs(fleet: Fleet) -> None:
    fleet.operator.sandbox.publish("v2")
    orders = [ALL, ",".join(reversed(ALL.split(","))), f"{THIRD},{FIRST},{SECOND}"] * 2
    running = [Running(replace(fleet.operator, login=order).start("deploy")) for order in orders]
    codes = sorted(each.end() for each in running)
    told = "\n".join(each.told for each in running)
    assert codes == [0, *[4] * (len(orders) - 1)], told
    assert sum(map(len, migrations(fleet))) == 1
    fleet.run_latest()


def test_one_member_alone_deploys_unless_others_run_beside_its_migration(fleet: Fleet) -> None:
    config = fleet.second.configured({"hosts": ALL})
    told = fleet.second.done("-f", config, "deploy")
    assert "nothing to do" in told
    fleet.operator.sandbox.publish("v2")
    told = fleet.second.refused(5, "-f", config, "deploy")
    assert f"{FIRST}: galos-sync would run on there beside a migration; nothing was changed." in told
    assert f"-H {ALL} deploy" in told
    for each in fleet.members:
        each.judge.no_downtime()
    told = fleet.second.done("-f", config, "hold", "--for", "2h", "--because", "restoring")
    others = [name for name in ALL.split(",") if name != SECOND]
    assert f"not for {', '.join(others)}, which galos.hosts names as well; for all of them: " in told
    assert told.rstrip().endswith(f"-H {ALL} hold --for 2h --because restoring")
    assert "galos.hosts" not in fleet.operator.done("-f", config, "hold", "--end", "--dry-run")
    told = fleet.operator.refused(4, "deploy")
    assert f"{SECOND}: " in told
    assert ": restoring; nothing was changed." in told
    fleet.operator.done("hold", "--for", "2h", "--because", "all of them")
    for each in fleet.members:
        assert ": all of them; nothing was changed." in each.refused(4, "deploy")
        each.judge.no_downtime()
    fleet.operator.done("hold", "--end")
    fleet.operator.done("deploy")


def stopped_elsewhere(fleet: Fleet) -> str:
    """Stop the service on all hosts but the first; the file of a configuration that has them all."""
    for each in fleet.members[1:]:
        each.done("stop")
    return fleet.second.configured({"hosts": ALL})


def test_while_one_member_migrates_alone_nothing_begins_on_the_others(fleet: Fleet) -> None:
    first, second, third = fleet.members
    config = stopped_elsewhere(fleet)
    with gated(fleet.operator.sandbox) as gate:
        running = Running(first.start("-f", config, "deploy"))
        gate.reached()
        for task in ("deploy", "up"):
            assert "for deploy since" in second.refused(4, "-f", config, task)
        running.kill()
        told = second.refused(5, "-f", config, "deploy", "--wait", "100")
        assert f"{FIRST}: a migration of its fleet began" in told
        told = second.refused(5, "up")
        assert f"{SECOND}: a migration of its fleet began" in told
        assert f"-H {FIRST},{SECOND} deploy" in told
        assert second.host.shell(f"cat {MARKER}") == FIRST
        gate.open()
        first.done("-f", config, "deploy", "--wait", "100")
    assert migrations(fleet) == [[("slow-migration", 0)], [], []]
    for each in (second, third):
        assert each.host.shell(f"ls {MARKER}", check=False) == ""
        told = each.refused(5, "up")  # what was clean before that migration
        assert "cannot tell whether migrations are pending" in told
        assert container(each.host) == ""
    fleet.operator.done("deploy")
    fleet.run_latest()


def test_a_member_that_is_lost_does_not_keep_one_down_that_migrates_alone(fleet: Fleet) -> None:
    first, second, third = fleet.members
    config = stopped_elsewhere(fleet)
    with gated(fleet.operator.sandbox) as gate:
        running = Running(first.start("-f", config, "deploy", ssh_config=fleet.config))
        gate.reached()
        fleet.relay.reset()
        gate.open()
        assert running.end() == 3, running.told
    assert f"Nothing starts on {SECOND} until its own deploy: " in running.told
    assert container(first.host) == f"running {image_id(first.host)}"
    assert third.host.shell(f"ls {MARKER}", check=False) == ""
    assert "a migration of its fleet began" in second.refused(5, "up")
    second.done("-f", config, "deploy", "--wait", "100")
    assert second.host.shell(f"ls {MARKER}", check=False) == ""
    fleet.operator.done("deploy")
    fleet.run_latest()


def test_a_member_that_does_not_tell_what_runs_there_keeps_another_one_from_migrating(fleet: Fleet) -> None:
    first, second, _ = fleet.members
    config = stopped_elsewhere(fleet)
    fleet.operator.sandbox.publish("v2")
    told = first.done("-f", config, "deploy", "--dry-run")
    assert told.count("stop and delete") == len(fleet.members)
    with engine_stopped(second.host):
        told = first.refused(8, "-f", config, "deploy")
        assert f"{SECOND}: the Docker engine does not answer" in told
    second.host.shell("mv ~/docker-compose.yml ~/kept.yml")
    told = first.refused(8, "-f", config, "deploy")
    assert f"{SECOND}: there is no compose file in ~" in told
    second.host.shell("mv ~/kept.yml ~/docker-compose.yml; cd && docker-compose start")
    told = first.refused(5, "-f", config, "deploy")
    assert f"{SECOND}: galos-sync would run on there beside a migration" in told
    first.judge.no_downtime()
    fleet.operator.done("deploy")
    fleet.run_latest()


def test_hosts_with_databases_of_their_own_are_no_fleet(fleet: Fleet) -> None:
    other = fleet.operator.sandbox.database("other")
    fleet.second.host.shell(f"sed -i 's#^DATABASE_URL=.*#DATABASE_URL={other}#' ~/.env")
    told = fleet.operator.refused(8, "deploy")
    assert f"galos-sync has another database on {SECOND} than on {FIRST}" in told
    assert other not in told
    for each in fleet.members:
        each.judge.untouched()
    local = "postgres://galos:secret-word@localhost/elite"
    for each in fleet.members:
        each.host.shell(f"sed -i 's#^DATABASE_URL=.*#DATABASE_URL={local}#' ~/.env")
    told = fleet.operator.refused(8, "deploy")
    assert "finds its database at localhost, which is another one on each host" in told
    assert "secret-word" not in told


def test_hosts_that_keep_images_in_different_ways_are_a_fleet(bare: Operator, third: Operator) -> None:
    both = replace(bare, login=f"{FIRST},{THIRD}")
    with containerd_store(third.host):
        both.done("setup", "deploy")
        assert image_id(bare.host) != image_id(third.host)
        assert both.done("deploy").count("nothing to do") == 2
        bare.sandbox.publish("v2")
        for words in (("deploy", "--dry-run"), ("deploy",)):
            both.done(*words)
        assert applied(both) == V2
        assert json.loads(both("status", "--json").stdout)["differences"] == []
