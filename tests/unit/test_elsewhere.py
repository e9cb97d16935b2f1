"""The hosts of a fleet that a task was not given: held once something is pending, all or none, and told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.engines.snapshot.snapshot import STOPPING, Container, Snapshot
from galos_ops.errors import ConnectError, GuardError, LockedError, OpsError, UsageError
from galos_ops.host.lock import Lock
from galos_ops.ui.plain import Plain
from galos_ops.workflows.doing import Doing
from galos_ops.workflows.elsewhere import Elsewhere
from galos_ops.workflows.ops import Ops, Services
from galos_ops.workflows.steps import Steps
from tests.unit.fake_host import FakeHost
from tests.unit.screen import Screen
from tests.unit.targets import FACTS, IMAGE_ID, SETTINGS, target

NAME = "galos-sync"
RUNS = Container(
    "c1", IMAGE_ID, "running", 0, "root-galos-sync-1", NAME, oneoff=False, project="root", directory="/home"
)


@dataclass
class Member(Ops):
    """A host that is as a test says, and what was done with it; `refuses` is what holding it ends in."""

    state: Snapshot = FACTS
    refuses: OpsError | None = None
    done: list[str] = field(default_factory=list)

    @contextmanager
    def beside(self, task: str) -> Iterator[Services]:
        self.done.append(task)
        if self.refuses:
            raise self.refuses
        try:
            yield lambda names: [*map(self.steps, names)]
        finally:
            self.done.append("let go")

    def steps(self, name: str) -> Steps:
        return Doing(replace(target(self.host, self.state), name=name).held(Lock("t0ken")), self.report)


def member(address: str, state: Snapshot = FACTS, refuses: OpsError | None = None) -> Member:
    typed = CommandLine(address, "deploy")
    host = FakeHost(name=typed.name)
    host.typed = typed
    return Member(host, SETTINGS, Plain(Screen()), state=state, refuses=refuses)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def rest(stack: ExitStack, members: Iterable[Ops], absent: Iterable[Ops] = ()) -> Elsewhere:
    return Elsewhere("deploy", stack, Plain(Screen()), list(members), list(absent), member)


def hold(one: Elsewhere, *, stopping: Iterable[str] = (NAME,), marked: str = "") -> list[str]:
    """Hold the rest for a service; the hosts of which that gives the steps."""
    return [steps.target.host.name for steps in one.hold([NAME], {*stopping}, [marked])]


def test_where_a_task_was_given_the_whole_fleet_nothing_more_is_held(stack: ExitStack) -> None:
    one = rest(stack, [member("a"), member("root@b:2222")])
    assert hold(one, marked="a,b:2222") == []
    assert [ops.host.typed.fleet for ops in one.members] == ["", ""]


def test_the_rest_is_held_once_to_the_end_and_what_is_noted_names_who_noted_it(stack: ExitStack) -> None:
    a, b, c = member("a"), member("b"), member("c")
    one = rest(stack, [a], [b, c])
    assert hold(one) == hold(one) == ["b", "c"]
    assert [ops.host.typed.fleet for ops in (a, b, c)] == ["a", "a", "a"]
    assert (b.done, c.done) == (["deploy"], ["deploy"])
    stack.close()
    assert (b.done, c.done) == (["deploy", "let go"], ["deploy", "let go"])


def test_hosts_that_a_marker_names_are_of_the_fleet(stack: ExitStack) -> None:
    assert hold(rest(stack, [member("c")], [member("b")]), marked="a,b,root@c") == ["b", "a"]


def test_where_one_is_not_had_the_others_are_let_go_of(stack: ExitStack) -> None:
    b, c = member("b"), member("c", refuses=LockedError("c: somebody holds it."))
    with pytest.raises(LockedError):
        hold(rest(stack, [member("a")], [b, c]))
    assert b.done == ["deploy", "let go"]
    assert c.host.typed.fab("deploy", wait=600) == "fab -H a,b,c deploy --wait 600"


def test_one_that_cannot_be_reached_is_told_as_one_of_the_fleet(stack: ExitStack) -> None:
    with pytest.raises(ConnectError) as caught:
        hold(rest(stack, [member("a")], [member("b", refuses=ConnectError("b: away."))]))
    told = "b: away. It is of the same fleet, and may run a service on the same database; nothing was changed."
    assert caught.value.sentence == told


def test_a_member_under_another_name_is_usage(stack: ExitStack) -> None:
    error = LockedError("b: held.")
    error.ours, error.host = "a", "b"
    with pytest.raises(UsageError, match="a and b are the same machine"):
        hold(rest(stack, [member("a")], [member("b", refuses=error)]))


@pytest.mark.parametrize(
    "changed",
    [{}, {"directory": "/elsewhere"}, {"state": STOPPING}],
    ids=["ours", "of another project", "to end, and not known to have ended"],
)
def test_one_that_runs_a_service_beside_the_migration_is_refused(stack: ExitStack, changed: dict[str, Any]) -> None:
    one = rest(stack, [member("a")], [member("b", replace(FACTS, containers=(replace(RUNS, **changed),)))])
    with pytest.raises(GuardError, match="b: galos-sync would run on there beside a migration") as caught:
        hold(one)
    assert caught.value.hint.endswith("fab -H a,b deploy")
    assert hold(one, stopping=()) == ["b"]  # while nothing is to migrate it may


def test_a_marker_that_names_nobody_is_refused(stack: ExitStack) -> None:
    with pytest.raises(GuardError, match="b: a migration of its fleet began"):
        hold(rest(stack, [member("a")], [member("b", replace(FACTS, migrating=""))]))


@pytest.mark.parametrize("marker", ["b", "a,c"])
def test_a_marker_of_another_task_is_refused(stack: ExitStack, marker: str) -> None:
    with pytest.raises(GuardError, match="b: a migration of its fleet began"):
        hold(rest(stack, [member("a")], [member("b", replace(FACTS, migrating=marker))]))


def test_a_marker_of_the_same_task_is_what_it_left_there(stack: ExitStack) -> None:
    assert hold(rest(stack, [member("a"), member("c")], [member("b", replace(FACTS, migrating="c,a"))])) == ["b"]


def test_a_migration_that_goes_on_there_is_refused(stack: ExitStack) -> None:
    migrator = replace(RUNS, name=f"{NAME}-migration", oneoff=True, role="migration")
    with pytest.raises(GuardError, match="b: galos-sync: a migration that an earlier run began is still running"):
        hold(rest(stack, [member("a")], [member("b", replace(FACTS, containers=(migrator,)))]))
