"""Running migrations: the scripts in real shells, with stubs for Docker and docker-compose."""

from __future__ import annotations

import pytest

from galos_ops.errors import GuardError, MigrationError
from galos_ops.host.release_log import LOG, Release, joined, parse
from galos_ops.migrations import evidence
from galos_ops.migrations.runner import announce, migrate
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import IMAGE_ID, IMAGES, held
from tests.unit.test_databases import RUNNING
from tests.unit.test_guard import OTHER, PENDING, answers

NAME = "galos-sync-migration"
OPTIONS = f"--no-deps -T -d --name {NAME} --entrypoint sqlx"
RUN = f"--env-file /dev/null -f - run {OPTIONS} galos-sync migrate run --source galos_db/migrations"
PASSED = "~/.galos-ops/galos-sync.passed"


def migrates(host: LocalHost, *, ends: str = "0", ran_in: str = IMAGE_ID, begins: Reply | None = None) -> None:
    """Have the container that migrates begin, say two lines and end with an exit code; "" where it is gone by then."""
    host.stubs.add("docker", {RUNNING: ""})
    host.stubs.add("docker-compose", {RUN: begins or Reply("c1\n")})
    host.stubs.add("docker", {f"rm -v {NAME}": [Reply(exited=1), Reply()]})
    if begins:
        return
    host.stubs.add("docker", {f"inspect -f {{{{.Image}}}} {NAME}": f"{ran_in}\n"})
    if ran_in != IMAGE_ID:
        host.stubs.add("docker", {f"rm -f -v {NAME}": ""})
        return
    host.stubs.add("docker", {f"logs -f {NAME}": Reply("Applied 1\n", stderr="Applied 2\n")})
    waited = Reply(f"{ends}\n") if ends else Reply(exited=1, stderr="No such container\n")
    host.stubs.add("docker", {f"wait {NAME}": waited})


def lines(host: LocalHost) -> list[Release]:
    """What the log says of migrations."""
    return joined(parse(host.read(f"~/{LOG}")[0]).releases)


def run(host: LocalHost) -> list[str]:
    """Migrate; the lines that were shown."""
    shown: list[str] = []
    host.put(PASSED, "an answer from before")
    target = held(host)
    announce(target, IMAGES, ("1 one", "2 two"))
    migrate(target, IMAGES, shown.append)
    return shown


def test_a_migration_is_logged_shown_and_checked_again(host: LocalHost) -> None:
    migrates(host)
    answers(host, Reply())
    assert run(host) == ["Applied 1", "Applied 2"]
    [line] = lines(host)
    assert (line.event, line.image, line.migrations) == ("migrate", IMAGE_ID, ("1 one", "2 two"))
    assert (line.outcome, line.reason, line.evidence) == ("succeeded", "exit 0", ())
    assert host.read(f"~/{line.output}") == ["Applied 1\nApplied 2\n"]
    assert host.files()[PASSED] != "an answer from before"


def test_what_was_answered_before_is_void_and_the_log_tells_before_a_migration_begins(host: LocalHost) -> None:
    look = f"grep -c migrate {LOG} >$HOME/logged; ! [ -e .galos-ops/galos-sync.passed ] || echo kept >>$HOME/logged"
    migrates(host, begins=Reply(exited=1, stderr="no such service\n", effect=look))
    with pytest.raises(MigrationError, match="it never started") as caught:
        run(host)
    assert host.files()["~/logged"] == "1\n"
    assert caught.value.evidence == "no such service\n"


@pytest.mark.parametrize("looks", [1, 2])
def test_nothing_is_begun_beside_a_container_that_runs_at_either_look(host: LocalHost, looks: int) -> None:
    """The first look is that before the log, the second that of the script which begins the migration."""
    host.stubs.add("docker", {RUNNING: [Reply()] * (looks - 1) + [Reply("galos-sync/stray\n")]})
    with pytest.raises(GuardError, match="nothing was migrated, as stray runs beside it"):
        run(host)
    assert len(host.stubs.calls) == looks
    assert bool(host.read(f"~/{LOG}")[0]) == (looks == 2)


@pytest.mark.parametrize(
    ("ends", "words"), [("3", "exit 3"), ("137", "exit 137: it was killed"), ("", "exit 97: nobody saw its end")]
)
def test_a_migration_that_did_not_end_well_is_a_failed_one_with_its_output(
    host: LocalHost, ends: str, words: str
) -> None:
    migrates(host, ends=ends)
    with pytest.raises(MigrationError, match=rf"the migration failed \({words}") as caught:
        run(host)
    assert "Applied 1\n" in caught.value.evidence
    assert host.stubs.calls[-1] == f"docker rm -v {NAME}"
    assert PASSED not in host.files()
    [line] = lines(host)
    assert (line.outcome, line.evidence[0]) == ("failed", "Applied 1")
    assert words in str(line.reason)


def test_a_migration_that_runs_in_another_image_is_ended_at_once(host: LocalHost) -> None:
    migrates(host, ran_in=OTHER)
    with pytest.raises(MigrationError, match="it never started") as caught:
        run(host)
    assert caught.value.evidence.endswith(f"it ran in {OTHER}\n")
    assert host.stubs.calls[-1] == f"docker rm -f -v {NAME}"


@pytest.mark.parametrize(
    ("answer", "state", "evidence"),
    [
        (Reply(PENDING), "pending", "allow stars without orbits"),
        (Reply(exited=1, stderr="error: no\n"), "unknown", "error: no"),
    ],
)
def test_a_migration_that_ended_well_and_left_some_pending_is_a_failed_one(
    host: LocalHost, answer: Reply, state: str, evidence: str
) -> None:
    migrates(host)
    answers(host, answer)
    with pytest.raises(MigrationError, match=f"ended well, but the check says {state}") as caught:
        run(host)
    assert evidence in caught.value.evidence
    [line] = lines(host)
    assert (line.outcome, line.reason) == ("failed", f"it ended well, but the check says {state}")
    assert evidence in "".join(line.evidence)
    assert "Applied 1\n" in str(host.read(f"~/{line.output}")[0])


def test_what_a_migration_said_is_kept_masked_for_the_owner_alone_and_bounded(host: LocalHost) -> None:
    target = held(host)
    secret = "postgresql://galos:hunter22@db/galos"
    said = f"first\n{'x' * evidence.CHARACTERS}\n{secret}\n{'y' * 1000}\n"
    for count in range(evidence.FILES + 2):
        host.put(f"~/{evidence.FOLDER}/galos-sync.2026-01-{count:02}.log", "an older one")
    evidence.keep(target, IMAGE_ID, "failed", "exit 1", said, then="echo done >~/after")
    [line] = lines(host)
    path = host.path(f"~/{line.output}")
    text = path.read_text()
    assert text.endswith(f"\n{secret.replace('hunter22', '***')}\n{'y' * 1000}\n")
    assert len(text) == evidence.CHARACTERS
    assert "hunter22" not in str(line)
    assert [len(one) for one in line.evidence] == [5, evidence.WIDTH, len(secret) - 5, evidence.WIDTH]
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(list(path.parent.iterdir())) == evidence.FILES
    assert host.files()["~/after"] == "done\n"


def test_what_cannot_be_kept_keeps_nothing_else_from_being_done(host: LocalHost) -> None:
    host.put(f"~/{evidence.FOLDER}", "no folder")
    evidence.keep(held(host), IMAGE_ID, "succeeded", "exit 0", "said", then="echo done >~/after")
    assert host.files()["~/after"] == "done\n"
    assert [line.outcome for line in lines(host)] == ["succeeded"]
