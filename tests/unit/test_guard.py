"""The guard's question to an image: its script in real shells, with stubs for Docker and docker-compose."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from galos_ops.engines.facts import Facts
from galos_ops.engines.target import Unit, pin
from galos_ops.errors import LockedError
from galos_ops.migrations import guard
from galos_ops.migrations.tools import CLEAN, Answer
from tests.unit.local_host import LocalHost, Reply
from tests.unit.units import IMAGE_ID, IMAGES, REFERENCE, image_of, unit

MARK = "~/.galos-ops/galos-sync.passed"
NAMES = "20260806140000 allow stars without orbits", "20260806150000 rename surface columns"
PENDING = "".join("Can apply {}/migrate {} (0ns)\n".format(*name.split(" ", 1)) for name in NAMES)
OTHER = "sha256:" + "b" * 64


def asked(name: str) -> str:
    words = "migrate run --dry-run --source galos_db/migrations"
    return f"run --no-deps -T --name {name} --entrypoint sqlx galos-sync {words}"


def locked(host: LocalHost, facts: Facts | None = None) -> Unit:
    """The unit while the lock is ours."""
    host.put("~/.galos-ops/token", "t0ken\n")
    return unit(host, facts, token="t0ken")


def answers(host: LocalHost, answer: Reply, *, ran_in: str = IMAGE_ID, name: str = "galos-sync-check") -> None:
    """Have the image answer the question, in a container of an image; none where that is empty."""
    host.stubs.add("docker-compose", {asked(name): answer})
    ran = Reply(f"{ran_in}\n") if ran_in else Reply(exited=1, stderr=f"Error: No such object: {name}\n")
    host.stubs.add("docker", {f"inspect -f {{{{.Image}}}} {name}": ran, f"rm -f {name}": ""})


def test_a_clean_answer_is_remembered_for_these_very_inputs(host: LocalHost) -> None:
    chosen = locked(host)
    image_of(host, REFERENCE, IMAGE_ID)
    answers(host, Reply())
    assert guard.check(chosen, IMAGES) == CLEAN
    assert host.files()[MARK] == f"{guard.key(chosen, IMAGES)}\n"
    assert host.path(MARK).stat().st_mode & 0o777 == 0o600
    known = replace(chosen, facts=Facts(passed={"galos-sync": host.files()[MARK].strip()}))
    assert guard.passed(known, IMAGES)
    assert not guard.passed(known, {REFERENCE: OTHER})


def test_pending_migrations_are_named_and_an_earlier_clean_answer_is_forgotten(host: LocalHost) -> None:
    chosen = locked(host)
    key = guard.key(chosen, IMAGES)
    host.put(MARK, key)
    image_of(host, REFERENCE, IMAGE_ID)
    answers(host, Reply(PENDING))
    known = replace(chosen, facts=Facts(passed={"galos-sync": key}))
    assert guard.check(known, IMAGES) == Answer("pending", NAMES)
    assert MARK not in host.files()


@pytest.mark.parametrize("answer", [Reply(), Reply(PENDING)])
def test_an_answer_of_another_image_is_unknown(host: LocalHost, answer: Reply) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    answers(host, answer, ran_in=OTHER)
    found = guard.check(locked(host), IMAGES)
    assert (found.state, found.evidence.splitlines()[-1]) == ("unknown", f"it ran in {OTHER}")
    assert host.stubs.calls[-1] == "docker rm -f galos-sync-check"
    assert MARK not in host.files()


def test_a_question_that_could_not_be_put_is_unknown(host: LocalHost) -> None:
    image_of(host, REFERENCE, IMAGE_ID)
    answers(host, Reply(exited=1, stderr="Cannot start service galos-sync\n"), ran_in="")
    assert guard.check(locked(host), IMAGES) == Answer("unknown", evidence="Cannot start service galos-sync")
    assert MARK not in host.files()


def test_a_tag_that_moved_is_pointed_at_the_image_before_it_is_asked(host: LocalHost) -> None:
    image_of(host, REFERENCE, OTHER)
    host.stubs.add("docker", {f"tag {IMAGE_ID} {REFERENCE}": ""})
    answers(host, Reply())
    assert guard.check(locked(host), IMAGES) == CLEAN
    calls = host.stubs.calls
    assert calls.index(f"docker tag {IMAGE_ID} {REFERENCE}") < calls.index(
        f"docker-compose {asked('galos-sync-check')}"
    )


def test_an_image_that_its_tag_cannot_be_pointed_at_is_not_asked(host: LocalHost) -> None:
    image_of(host, REFERENCE, "")
    host.stubs.add("docker", {f"tag {IMAGE_ID} {REFERENCE}": Reply(exited=1, stderr="No such image\n")})
    host.stubs.add("docker-compose", {})
    assert guard.check(locked(host), IMAGES) == Answer("unknown", evidence="No such image")


def test_every_reference_is_pointed_at_its_image(host: LocalHost) -> None:
    image_of(host, "a:1", IMAGE_ID)
    image_of(host, "b:2", IMAGE_ID)
    host.stubs.add("docker", {f"tag {OTHER} b:2": ""})
    host.run(pin({"a:1": IMAGE_ID, "b:2": OTHER}), doing="pin")


def test_without_the_lock_no_tag_moves_and_nothing_is_remembered(
    host: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0a1b")
    answers(host, Reply(), name="galos-sync-check-0a1b")
    assert guard.check(unit(host), IMAGES) == CLEAN
    assert host.files() == {}


def test_once_the_lock_is_lost_nothing_is_asked(host: LocalHost) -> None:
    host.put("~/.galos-ops/token", "of somebody else\n")
    with pytest.raises(LockedError):
        guard.check(unit(host, token="t0ken"), IMAGES)


def test_a_service_without_migrations_is_not_asked(host: LocalHost) -> None:
    chosen = unit(host)
    none = replace(chosen.service, migration=replace(chosen.service.migration, tool="none"))
    assert guard.check(replace(chosen, service=none), IMAGES) == CLEAN
    assert host.scripts == []


def test_on_the_host_the_check_has_the_values_of_env_and_no_standard_input(host: LocalHost) -> None:
    chosen = locked(host)
    there = replace(chosen.service.migration, where="host")
    host.put("~/.env", "DATABASE_URL='postgresql://u:p$w@db/x' # ours\n")
    host.stubs.program("sqlx", "cat; [ \"$DATABASE_URL\" = 'postgresql://u:p$w@db/x' ] || exit 9")
    found = guard.check(replace(chosen, service=replace(chosen.service, migration=there)), IMAGES)
    assert found == CLEAN
    assert "p$w" not in "".join(host.scripts)
