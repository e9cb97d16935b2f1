"""The guard's question to an image: its script in real shells, with stubs for Docker and docker-compose."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import Any

import pytest

from galos_ops.engines.compose import Compose, pin
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.one_offs import one_off
from galos_ops.engines.release_images import Image, ReleaseImages
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.errors import LockedError
from galos_ops.host.shell import ExitCode
from galos_ops.migrations import guard
from galos_ops.migrations import tools as migration
from galos_ops.migrations.tools import CLEAN, Answer
from galos_ops.redaction import Secret
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import FACTS, IMAGE_ID, IMAGES, REFERENCE, held, image_of, images, removed, target

MARK = "~/.galos-ops/galos-sync.passed"
NAMES = "20260806140000 allow stars without orbits", "20260806150000 rename surface columns"
PENDING = "".join("Can apply {}/migrate {} (0ns)\n".format(*name.split(" ", 1)) for name in NAMES)
OTHER = "sha256:" + "b" * 64


def asked(name: str) -> str:
    words = "migrate run --dry-run --source galos_db/migrations"
    return f"--env-file /dev/null -f - run --no-deps -T --name {name} --entrypoint sqlx galos-sync {words}"


def answers(
    host: LocalHost, answer: Reply, *, ran_in: str = IMAGE_ID, ended: str = "", name: str = "galos-sync-check"
) -> None:
    """Have the image answer the question, in a container of an image, which `ended` otherwise than the answer says.

    There is no container where `ran_in` is empty. What docker-compose was given is in `~/given`.
    """
    given = Reply(answer.stdout, answer.exited, answer.stderr, f"cat >$HOME/given\n{answer.effect}")
    host.stubs.add("docker-compose", {asked(name): given})
    state = ended or f"exited {answer.exited}"
    ran = Reply(f"{ran_in} {state}\n") if ran_in else Reply(exited=1, stderr=f"Error: No such object: {name}\n")
    form = "{{.Image}} {{.State.Status}} {{.State.ExitCode}}"
    host.stubs.add("docker", {f"inspect -f {form} {name}": ran, **removed(name, "-f")})


def test_what_asks_and_what_migrates_runs_no_lifecycle_hook() -> None:
    hooks = {key: [{"command": ["sh", "-c", "migrate"]}] for key in ("pre_start", "post_start", "pre_stop")}
    tree = {"services": {"a": {"image": "x", **hooks}}}
    [row] = json.loads(one_off.file(tree, "a", IMAGE_ID, "check"))["services"].values()
    assert row == {"image": IMAGE_ID, "labels": {one_off.LABEL: "check"}}


@pytest.mark.parametrize(("driver", "used"), [("none", "json-file"), ("local", "local")])
def test_what_a_migration_prints_is_kept_though_the_service_s_logs_are_not(driver: str, used: str) -> None:
    tree = {"services": {"a": {"image": "x", "logging": {"driver": driver}}}}
    [row] = json.loads(one_off.file(tree, "a", IMAGE_ID, "migration"))["services"].values()
    assert row["logging"] == {"driver": used}


def test_the_exit_code_that_v1_prints_is_no_reason_of_the_command(host: LocalHost) -> None:
    v1 = Compose(DockerCompose("docker-compose", (1, 29, 2)))
    said = Reply("", 1, "error: no such column\n1\n", "cat >/dev/null")
    host.stubs.add("docker-compose", {asked("galos-sync-check").removeprefix("--env-file /dev/null "): said})
    form = "{{.Image}} {{.State.Status}} {{.State.ExitCode}}"
    ran = {f"inspect -f {form} galos-sync-check": f"{IMAGE_ID} exited 1\n", **removed("galos-sync-check", "-f")}
    host.stubs.add("docker", ran)
    answer = guard.ask(replace(held(host), engine=v1), IMAGES)
    assert answer == Answer("unknown", evidence="error: no such column")


def test_a_clean_answer_is_remembered_for_these_very_inputs(host: LocalHost) -> None:
    chosen = held(host)
    answers(host, Reply())
    assert guard.check(chosen, IMAGES) == CLEAN
    chosen.change(guard.remember(chosen, IMAGES), doing="remember")
    assert host.files()[MARK] == f"{guard.key(chosen, IMAGES)}\n"
    assert host.path(MARK).stat().st_mode & 0o777 == 0o600
    known = replace(chosen, snapshot=replace(FACTS, passed={"galos-sync": host.files()[MARK].strip()}))
    assert guard.passed(known, IMAGES)
    assert guard.remember(known, IMAGES) == ""
    assert not guard.passed(known, images(OTHER))


def test_an_answer_that_cannot_be_remembered_fails_nothing(host: LocalHost) -> None:
    chosen = held(host)
    host.path(f"{MARK}.new").mkdir(parents=True)
    chosen.change(guard.remember(chosen, IMAGES), doing="remember")
    assert MARK not in host.files()


def test_pending_migrations_are_named_and_an_earlier_clean_answer_is_forgotten(host: LocalHost) -> None:
    chosen = held(host)
    key = guard.key(chosen, IMAGES) or ""
    host.put(MARK, key)
    answers(host, Reply(PENDING))
    known = replace(chosen, snapshot=replace(FACTS, passed={"galos-sync": key}))
    assert guard.check(known, IMAGES) == Answer("pending", NAMES)
    assert MARK not in host.files()


def test_a_tool_whose_check_names_nothing_is_asked_for_the_names(host: LocalHost) -> None:
    chosen = held(host)
    alembic = replace(chosen.service.migration, tool="alembic", where="host", arguments="")
    failed = Reply("FAILED: Database is not on all head revisions\n", 255)
    host.stubs.add("alembic", {"current --check-heads": failed})
    host.stubs.add("alembic", {"history --indicate-current": "<base> -> 397c (head), create systems\n"})
    asked_of = replace(chosen, service=replace(chosen.service, migration=alembic))
    assert guard.ask(asked_of, IMAGES) == Answer("pending", ("397c create systems",))


def resolved(**row: Any) -> Snapshot:
    """A snapshot of a compose file with this in the row of the service."""
    tree = {"services": {"galos-sync": {"image": REFERENCE, **row}, "db": {"image": "postgres", "volumes": ["/x:/x"]}}}
    return replace(FACTS, config=Secret(json.dumps(tree)))


def test_the_key_of_a_clean_answer_is_a_sum_of_all_that_is_asked(host: LocalHost) -> None:
    chosen = target(host, resolved())
    migration = replace(chosen.service.migration, arguments="--source elsewhere")
    keys = {
        guard.key(chosen, IMAGES),
        guard.key(chosen, images(OTHER)),
        guard.key(chosen, ReleaseImages(Image(REFERENCE, OTHER), IMAGES.migrations)),
        guard.key(target(host, resolved(environment={"DATABASE_URL": "x"})), IMAGES),
        guard.key(replace(chosen, service=replace(chosen.service, migration=migration)), IMAGES),
    }
    assert None not in keys
    assert len(keys) == 5
    assert guard.key(chosen, IMAGES) == guard.key(target(host, resolved()), IMAGES)


@pytest.mark.parametrize("outside", ["volumes", "volumes_from", "secrets", "configs"])
def test_an_answer_that_depends_on_what_only_the_host_has_is_not_remembered(host: LocalHost, outside: str) -> None:
    chosen = held(host, resolved(**{outside: ["x"]}))
    assert guard.remember(chosen, IMAGES) == ""
    assert not guard.passed(chosen, IMAGES)


def test_an_answer_of_a_command_on_the_host_is_not_remembered(host: LocalHost) -> None:
    chosen = held(host)
    service = replace(chosen.service, migration=replace(chosen.service.migration, where="host"))
    host.stubs.program("sqlx", "true")
    asked_of = replace(chosen, service=service)
    assert guard.check(asked_of, IMAGES) == CLEAN
    assert guard.remember(asked_of, IMAGES) == ""


@pytest.mark.parametrize("answer", [Reply(), Reply(PENDING)])
def test_an_answer_of_another_image_is_unknown(host: LocalHost, answer: Reply) -> None:
    answers(host, answer, ran_in=OTHER)
    found = guard.check(held(host), IMAGES)
    assert (found.state, found.evidence.splitlines()[-1]) == ("unknown", f"it ran in {OTHER}")
    assert host.stubs.calls[-1] == "docker rm -v -f c0ffee"
    assert MARK not in host.files()


def test_a_question_that_could_not_be_put_is_unknown(host: LocalHost) -> None:
    answers(host, Reply(exited=1, stderr="Cannot start service galos-sync\n"), ran_in="")
    assert guard.check(held(host), IMAGES) == Answer("unknown", evidence="Cannot start service galos-sync")
    assert MARK not in host.files()


@pytest.mark.parametrize("ended", ["created 127", "running 0", "exited 0"])
def test_what_docker_compose_fails_of_itself_is_no_answer(host: LocalHost, ended: str) -> None:
    """Its exit code 1 is that of a command which found something pending."""
    chosen = held(host)
    own = replace(chosen.service.migration, tool="command", check="./check", run="./run")
    answers(host, Reply(exited=1, stderr="no\n"), ended=ended)
    host.stubs.add("docker-compose", {asked("galos-sync-check"): Reply(exited=9)}, asked=False)
    words = "--env-file /dev/null -f - run --no-deps -T --name galos-sync-check --entrypoint sh galos-sync -c ./check"
    host.stubs.add("docker-compose", {words: Reply(exited=1, stderr="no\n")})
    found = guard.check(replace(chosen, service=replace(chosen.service, migration=own)), IMAGES)
    assert found == Answer("unknown", evidence="no")


@pytest.mark.parametrize("code", list(ExitCode)[:-1], ids=str)
def test_an_exit_code_of_the_tool_is_never_taken_for_one_of_ours(host: LocalHost, code: int) -> None:
    answers(host, Reply(exited=code))
    argv = migration.argv(held(host).service.migration, "check")
    assert one_off.run(held(host), IMAGE_ID, argv, doing="ask", timeout=60).exited == ExitCode.OF_A_COMMAND


def test_the_image_is_asked_by_its_id_and_nothing_is_fetched_or_built(host: LocalHost) -> None:
    answers(host, Reply())
    assert guard.check(held(host), IMAGES) == CLEAN
    assert json.loads(host.files()["~/given"]) == {
        "services": {"galos-sync": {"image": IMAGE_ID, "labels": {"galos-ops": "check"}}}
    }
    assert not [call for call in host.stubs.calls if call.startswith(("docker tag", "docker pull"))]


def test_every_reference_is_pointed_at_its_image(host: LocalHost) -> None:
    image_of(host, "a:1", IMAGE_ID)
    image_of(host, "b:2", IMAGE_ID)
    host.stubs.add("docker", {f"tag {OTHER} b:2": ""})
    host.run(pin(ReleaseImages(Image("a:1", IMAGE_ID), Image("b:2", OTHER))), doing="pin")


def test_without_the_lock_no_tag_moves_and_nothing_is_remembered(
    host: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0a1b")
    answers(host, Reply(), name="galos-sync-check-0a1b")
    assert guard.check(target(host), IMAGES) == CLEAN
    assert host.files().keys() == {"~/given"}


def test_once_the_lock_is_lost_nothing_is_asked(host: LocalHost) -> None:
    lost = held(host)
    host.put("~/.galos-ops/token", "of somebody else\n")
    with pytest.raises(LockedError):
        guard.check(lost, IMAGES)


def test_a_service_without_migrations_is_not_asked(host: LocalHost) -> None:
    chosen = target(host)
    none = replace(chosen.service, migration=replace(chosen.service.migration, tool="none"))
    assert guard.check(replace(chosen, service=none), IMAGES) == CLEAN
    assert host.scripts == []


def test_on_the_host_the_check_has_the_values_of_env_and_no_standard_input(host: LocalHost) -> None:
    chosen = held(host)
    there = replace(chosen.service.migration, where="host")
    text = "DATABASE_URL='postgresql://u:p$w@db/x' # ours\n"
    chosen = replace(chosen, snapshot=replace(chosen.snapshot, environment=Secret(text)))
    host.put("~/.env", "DATABASE_URL=pushed-meanwhile\n")
    host.stubs.program("sqlx", "cat; [ \"$DATABASE_URL\" = 'postgresql://u:p$w@db/x' ] || exit 9")
    found = guard.check(replace(chosen, service=replace(chosen.service, migration=there)), IMAGES)
    assert found == CLEAN
    assert "p$w" not in "".join(host.scripts)
