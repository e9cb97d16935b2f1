"""One call of a task for all its hosts, and what becomes of the hosts that fail."""

from __future__ import annotations

import inspect
import json
import signal
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import fabric
import pytest
from fabric import Config, Connection, SerialGroup, ThreadingGroup
from fabric.executor import Executor as FabricExecutor
from fabric.main import Fab, make_program
from invoke.collection import Collection

from galos_ops import redaction
from galos_ops.errors import (
    CommandFailed,
    ConnectError,
    GuardError,
    LockedError,
    MigrationError,
    NotReadyError,
    OpsError,
    UsageError,
    VerifyError,
    gravest,
)
from galos_ops.tasks import namespace, run, typed
from galos_ops.tasks.executor import Executor, HostsCall
from galos_ops.tasks.host_task import HostTask, host_task, parse_int_option
from galos_ops.workflows.ops import Ops
from tests import processes
from tests.described import violations
from tests.unit.fake_host import FakeHost


class Box(FakeHost):
    """A host to which nobody connects."""

    def __init__(self, connection: Connection, typed: Any, *, dry: bool = False) -> None:
        super().__init__(name=connection.original_host)
        self.typed, self.dry = typed, dry

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Host", Box)


Deeds = dict[str, BaseException | None]


def task(deeds: Deeds, done: list[str], *, looking: bool = False) -> HostTask:
    """A task that ends on each host as the table says."""

    def pending(ops: Ops, tag: str | None = None, json: bool = False) -> str:  # noqa: ARG001
        done.append(ops.host.name)
        ops.document["services"] = {}
        error = deeds.get(ops.host.name)
        if error:
            raise error
        return ops.host.name

    made: Callable[[Any], HostTask] = host_task(looking=looking)
    return made(pending)


HOSTS = SerialGroup("a", "ann@b:2222", "c")


def test_a_task_that_changes_hosts_stops_at_the_first_that_fails_and_names_the_rest() -> None:
    done: list[str] = []
    with pytest.raises(VerifyError) as caught:
        task({"b": VerifyError("b: it fell.", hint="fab x")}, done)(HOSTS)
    assert done == ["a", "b"]
    assert caught.value.message == "b: it fell. Not tried: c.\nnext: fab x"


def test_the_last_host_s_failure_leaves_nothing_untried() -> None:
    with pytest.raises(VerifyError, match=r"^c: it fell\.$"):
        task({"c": VerifyError("c: it fell.")}, [])(HOSTS)


def test_a_task_that_looks_goes_on_and_ends_with_the_gravest_code_and_every_sentence() -> None:
    done: list[str] = []
    deeds: Deeds = {"a": NotReadyError("a: no.", hint="fab a"), "b": None, "c": GuardError("c: pending.")}
    with pytest.raises(GuardError) as caught:
        task(deeds, done, looking=True)(HOSTS)
    assert done == ["a", "b", "c"]
    assert caught.value.code == 5
    assert caught.value.message == "a: no.\nnext: fab a\nc: pending."


@pytest.mark.parametrize("looking", [True, False])
def test_a_mistake_in_the_command_ends_it_on_the_first_host(looking: bool) -> None:
    done: list[str] = []
    with pytest.raises(UsageError) as caught:
        task({"a": UsageError("--tag is wrong.")}, done, looking=looking)(HOSTS)
    assert (done, caught.value.message) == (["a"], "--tag is wrong.")


def test_of_several_codes_the_gravest_counts() -> None:
    kinds = (CommandFailed, NotReadyError, LockedError, ConnectError, VerifyError, GuardError, MigrationError)
    for least, most in pairwise(kinds):
        assert gravest([least("x"), most("y"), least("z")]).code == most.exit_code


def test_what_is_said_more_of_the_gravest_hides_none_of_the_others() -> None:
    inner = gravest([ConnectError("a: lost."), CommandFailed("b: it still runs.", evidence="denied", hint="stop it")])
    outer = gravest([inner, VerifyError("c: crashed.")])
    outer.add("Not tried: d.")
    assert outer.message == ("a: lost.\nb: it still runs.\n  | denied\nnext: stop it\nc: crashed. Not tried: d.")
    assert [one.sentence[:1] for one in outer.together] == ["a", "b", "c"]


@pytest.mark.parametrize("group", [SerialGroup("a", "b"), ThreadingGroup("a", "b")])
def test_a_group_is_worked_on_host_by_host(group: fabric.Group) -> None:
    done: list[str] = []
    assert task({}, done)(group) == "b"
    assert done == ["a", "b"]


def test_a_connection_is_one_host_and_named_as_it_is() -> None:
    with pytest.raises(OpsError) as caught:
        task({"a": KeyboardInterrupt()}, [])(Connection("ann@a:2222"), tag="v2")
    assert caught.value.hint.endswith("fab -H ann@a:2222 pending --tag v2")


@pytest.mark.parametrize("wrong", ["a", None, [Connection("a")]])
def test_anything_else_is_one_sentence(wrong: object) -> None:
    with pytest.raises(UsageError, match="pending was called with a"):
        task({}, [])(wrong)


def test_an_empty_group_names_no_host() -> None:
    with pytest.raises(UsageError, match="none is named"):
        task({}, [])(SerialGroup())


def document(
    capsys: pytest.CaptureFixture[str], deeds: Deeds, context: object = HOSTS, *, looking: bool = False
) -> Any:
    """The JSON of a run, which is one line whatever it ends in, and as docs/json.md has it."""
    error: BaseException | None = None
    try:
        task(deeds, [], looking=looking)(context, json=True)
    except (OpsError, ZeroDivisionError) as failure:
        error = failure
    [line] = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert violations(found, "pending") == []
    assert found["exit"] == (getattr(error, "code", 1) if error else 0)
    assert found["task"] == "pending"
    return found


def test_json_of_many_hosts_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, {})
    assert [(row["host"], row["exit"], row["error"]) for row in found["hosts"]] == [
        (host, 0, None) for host in ("a", "b", "c")
    ]
    assert (found["not_tried"], found["error"]) == ([], None)


def test_json_is_in_letters_that_every_terminal_and_every_file_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OpsError):
        task({"a": NotReadyError("ü: \udcff.")}, [], looking=True)(SerialGroup("a"), json=True)
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out)["error"]["sentence"] == "ü: \udcff."


def test_json_tells_which_hosts_failed_and_which_were_not_tried(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, {"b": GuardError("b: pending.", evidence="m1\nm2", hint="fab x")})
    assert [(row["host"], row["exit"]) for row in found["hosts"]] == [("a", 0), ("b", 5)]
    assert found["hosts"][1]["error"] == {
        "exit": 5,
        "sentence": "b: pending.",
        "evidence": ["m1", "m2"],
        "next": "fab x",
    }
    assert found["not_tried"] == ["c"]
    assert found["error"]["sentence"] == "b: pending. Not tried: c."


def test_json_of_a_task_that_looks_has_every_host(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, {"a": ConnectError("a: away."), "c": VerifyError("c: down.")}, looking=True)
    assert [row["exit"] for row in found["hosts"]] == [3, 0, 7]
    assert (found["error"]["exit"], found["not_tried"]) == (7, [])


@pytest.mark.parametrize("looking", [True, False])
def test_json_of_an_interrupted_task_says_so(capsys: pytest.CaptureFixture[str], looking: bool) -> None:
    found = document(capsys, {"b": KeyboardInterrupt()}, looking=looking)
    assert [row["exit"] for row in found["hosts"]] == [0, 1]
    assert found["hosts"][1]["error"]["sentence"].startswith("b: interrupted; a step that had begun")
    assert found["hosts"][1]["error"]["next"] == "it looks at the host first: fab -H ann@b:2222 pending"
    assert found["not_tried"] == ["c"]


def test_json_of_an_interrupt_before_the_first_host_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled(*_: object) -> None:
        """What CI does to a job, while the hosts are still being read."""
        handler = signal.getsignal(signal.SIGTERM)
        assert callable(handler), "SIGTERM would end the task without a word"
        handler(signal.SIGTERM, None)

    monkeypatch.setattr("galos_ops.tasks.destinations.destinations", cancelled)
    found = document(capsys, {})
    assert (found["hosts"], found["error"]["next"]) == ([], "fab -H HOST pending")
    assert found["error"]["sentence"].startswith("Interrupted between two hosts")


class Unlucky(GuardError):
    """A failure while which the person loses patience."""

    def add(self, sentence: str) -> None:  # noqa: ARG002
        raise KeyboardInterrupt


def test_json_of_an_interrupt_while_a_failure_is_handled_has_both(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, {"b": Unlucky("b: pending.")})
    assert [(row["host"], row["exit"]) for row in found["hosts"]] == [("a", 0), ("b", 5)]
    assert (found["error"]["sentence"], found["not_tried"]) == ("b: pending.", ["c"])


def test_json_of_a_host_whose_end_nobody_saw_says_that_it_was_interrupted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run.Run, "_on", interrupted)
    found = document(capsys, {})
    assert found["hosts"][0]["error"]["sentence"].startswith("a: interrupted; a step that had begun")
    assert found["not_tried"] == ["b", "c"]


def test_json_of_a_bug_is_whole_and_quotes_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, {"a": ZeroDivisionError("hunter2")})
    assert found["hosts"][0]["error"]["sentence"] == "A fault of the task itself: ZeroDivisionError."
    assert "hunter2" not in json.dumps(found)


def test_json_shows_no_value_of_any_host_and_keeps_the_names_of_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "_KNOWN", redaction._Known())
    redaction.learn(["PASSWORD=hunter2-of-a\nHOST=galos-2.example\nUNIT=galos-sync"])
    error = CommandFailed(
        "galos-2.example: hunter2-of-a.", evidence='galos-sync says "hunter2-of-a"', hint="fab hunter2-of-a"
    )
    hosts = SerialGroup("galos-1.example", "galos-2.example", "galos-3.example")
    found = document(capsys, {"galos-2.example": error}, hosts)
    assert found["hosts"][1]["host"] == "galos-2.example"
    assert found["not_tried"] == ["galos-3.example"]
    assert found["hosts"][1]["error"] == {
        "exit": 1,
        "sentence": "galos-2.example: ***.",
        "evidence": ['galos-sync says "***"'],
        "next": "fab ***",
    }
    assert found["error"]["sentence"] == "galos-2.example: ***. Not tried: galos-3.example."


def test_json_without_any_host_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, {}, Connection("a", config=Config(overrides={"galos": {"engin": "compose"}})))
    assert (found["hosts"], found["error"]["exit"]) == ([], 2)
    assert "galos.engin is not a known key" in found["error"]["sentence"]


# --- how fab calls a task --------------------------------------------------------------------------------------------


@fabric.task  # type: ignore[untyped-decorator]
def theirs(_context: Connection) -> None:
    """A task that is none of ours."""


def executed(*words: str) -> list[tuple[str, list[str]]]:
    """`(task, hosts)` of the calls that fab makes."""
    collection: Collection = namespace()
    collection.add_task(theirs)
    program: Fab = make_program()
    program.namespace = collection
    program.create_config()
    program.parse_core(["fab", *words])
    program.parse_collection()
    program.parse_tasks()
    executor = Executor(collection, program.config, program.core)
    return [
        (call.task.name, [one["host"] for one in call.parameters])
        if isinstance(call, HostsCall)
        else (call.task.name, [call.init_kwargs["host"]] if hasattr(call, "init_kwargs") else [])
        for call in executor.expand_calls(executor.normalize(program.tasks))
    ]


def test_a_task_is_called_once_with_all_hosts_and_a_task_of_ones_own_once_for_each() -> None:
    assert executed("-H", "a,b", "setup", "theirs", "deploy", "--tag", "v2", "deploy") == [
        ("setup", ["a", "b"]),
        ("theirs", ["a"]),
        ("theirs", ["b"]),
        ("deploy", ["a", "b"]),
        ("deploy", ["a", "b"]),
    ]


def test_without_hosts_a_task_is_called_once() -> None:
    assert executed("pending") == [("pending", [])]


def test_what_we_use_of_fabric_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its executor may be replaced, and makes the calls of a task in these two methods."""
    assert list(inspect.signature(FabricExecutor.parameterize).parameters) == ["self", "call", "connection_init_kwargs"]
    assert list(inspect.signature(FabricExecutor.expand_calls).parameters) == ["self", "calls", "apply_hosts"]
    assert "parameterize(" in inspect.getsource(FabricExecutor.expand_calls)
    program = make_program()
    assert program.executor_class is FabricExecutor
    monkeypatch.setattr("fabric.main.program", program)
    host_task()
    assert program.executor_class is Executor
    program.executor_class = theirs
    host_task()
    assert program.executor_class is theirs


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "--tag", "a b"],
        ["deploy", "--wait", "-1"],
        ["deploy", "--wait", "soon", "--json"],
        ["up", "--service", "nope"],
        ["exec", ""],
        ["run", "'"],
        ["hold"],
        ["hold", "--for", "2h"],
        ["hold", "--for", "40d", "--because", "x"],
        ["logs", "--since", "soon"],
        ["logs", "--grep", "("],
        ["logs", "--tail", "x"],
        ["history", "--limit", "0"],
        ["ecr.images", "--limit", "x"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_told_before_a_hook_is_asked_or_a_host_connected_to(
    words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "fabfile.py").write_text("from galos_ops.tasks import ns\n")
    (tmp_path / "fabfile.yml").write_text("galos: {hooks: {before: touch asked}}\n")
    fab = str(Path(sys.executable).with_name("fab"))
    done = processes.run([fab, "-H", "127.0.0.1:1", *words], cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "asked").exists()
    if "--json" in words:
        found = json.loads(done.stdout)
        assert (found["exit"], found["error"]["exit"], found["hosts"]) == (2, 2, [])


@pytest.mark.parametrize("words", [["hold", "--for", "1h", "--because"], ["exec"], ["deploy", "--service"]])
def test_what_is_no_text_is_told_before_a_host_is_connected_to(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "fabfile.py").write_text("from galos_ops.tasks import ns\n")
    fab = str(Path(sys.executable).with_name("fab"))
    done = processes.run([fab, "-H", "127.0.0.1:1", *words, "\udcff"], cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert r"is '\udcff'; it must be UTF-8 text." in done.stderr


def test_a_value_that_python_gives_needs_no_parsing() -> None:
    seen: list[object] = []

    @host_task(parse={"wait": parse_int_option})
    def waiting(_ops: Ops, wait: int | None = None) -> None:
        seen.append(wait)

    waiting(HOSTS, wait=600)
    waiting(HOSTS, "60")
    waiting(HOSTS)
    assert seen == [600] * 3 + [60] * 3 + [None] * 3


def test_what_was_typed_before_the_task_is_read_from_fab(monkeypatch: pytest.MonkeyPatch) -> None:
    program = make_program()
    program.create_config()
    words = ["-r", "a b", "-f", "x.yml", "-S", "cfg", "-i", "k1", "-i", "k2", "--prompt-for-sudo-password"]
    program.parse_core(["fab", *words, "-H", "a"])
    monkeypatch.setattr("fabric.main.program", program)
    found = typed.typed("deploy", {"tag": "v2"})
    again = ["-r", "a b", "-f", "x.yml", "-S", "cfg", "-i", "k1", "-i", "k2", "--prompt-for-sudo-password"]
    assert (found.program, list(found.flags)) == ("fab", again)
    assert found.ssh_flags == ("-F", "cfg", "-i", "k1", "-i", "k2")


def test_what_we_read_of_the_programs_is_there() -> None:
    program = make_program()
    program.create_config()
    program.parse_core(["fab", "-H", "a"])
    assert [name for name in typed.FLAGS if name not in program.core[0].args] == []
