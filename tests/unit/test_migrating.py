"""Running migrations: the scripts in real shells, with stubs for Docker and docker-compose."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from galos_ops.engines.engine import HeldTarget
from galos_ops.engines.one_offs.migrator import AGAIN, BEGUN, ENDED, Shown, in_shell, split
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.errors import GuardError, MigrationError, NotBegun
from galos_ops.host import files
from galos_ops.host.release_log import LOG, Release, joined, parse
from galos_ops.host.result import Result
from galos_ops.migrations import evidence
from galos_ops.migrations.runner import announce, lift_marker, migrate, withdraw
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import FACTS, IMAGE_ID, IMAGES, held, looked_for
from tests.unit.test_databases import RUNNING
from tests.unit.test_guard import OTHER, PENDING, answers

NAME = "galos-sync-migration"
SOURCE = ["--source", "galos_db/migrations"]
MIGRATE, CHECK = ["sqlx", "migrate", "run", *SOURCE], ["sqlx", "migrate", "run", "--dry-run", *SOURCE]
ENTRYPOINT = f"--env-file /dev/null -f - run --no-deps -T -d --name {NAME} --entrypoint"
SHELL = f"{ENTRYPOINT} sh galos-sync {' '.join(in_shell(MIGRATE, CHECK)[1:])}"
ALONE = f"{ENTRYPOINT} sqlx galos-sync {' '.join(MIGRATE[1:])}"
PASSED = "~/.galos-ops/galos-sync.passed"


def migrates(
    host: LocalHost,
    *,
    ends: str = "0",
    ran_in: str = IMAGE_ID,
    begins: Reply | None = None,
    says: str = "",
    command: str = SHELL,
) -> None:
    """Have the container that migrates begin, say two lines and end with an exit code; "" where it is gone by then.

    `says` is what its check says, whose container has a shell unless the `command` is another.
    """
    host.stubs.add("docker", {RUNNING: ""})
    host.stubs.add("docker-compose", {command: begins or Reply("c1\n")})
    host.stubs.add("docker", looked_for(NAME))
    host.stubs.add("docker", {f"rm -v {NAME}": ""}, asked=False)
    if begins:
        return
    host.stubs.add("docker", {f"inspect -f {{{{.Image}}}} {NAME}": f"{ran_in}\n"})
    if ran_in != IMAGE_ID:
        host.stubs.add("docker", {f"rm -f -v {NAME}": ""})
        return
    shell, checked = command == SHELL, command == SHELL and ends == "0"
    said = "Applied 1\nApplied 2\n" + (f"{AGAIN}\n{says}{ENDED} 0\n" if checked else "")
    host.stubs.add("docker", {f"logs -f {NAME}": Reply(f"{BEGUN}\n{said}" if shell else said)})
    waited = Reply(f"{ends}\n") if ends else Reply(exited=1, stderr="No such container\n")
    host.stubs.add("docker", {f"wait {NAME}": waited})


def lines(host: LocalHost) -> list[Release]:
    """What the log says of migrations."""
    return joined(parse(files.read(host, f"~/{LOG}")[0]).releases)


def run(host: LocalHost) -> list[str]:
    """Migrate; the lines that were shown."""
    shown: list[str] = []
    host.put(PASSED, "an answer from before")
    migrate(held(host), IMAGES, ("1 one", "2 two"), shown.append)
    return shown


def test_a_migration_is_logged_shown_and_checked_again_in_its_own_container(host: LocalHost) -> None:
    migrates(host)
    assert run(host) == ["Applied 1", "Applied 2"]
    [line] = lines(host)
    assert (line.event, line.image, line.migrations) == ("migrate", IMAGE_ID, ("1 one", "2 two"))
    assert (line.outcome, line.reason, line.evidence) == ("succeeded", "exit 0", ())
    assert files.read(host, f"~/{line.output}") == ["Applied 1\nApplied 2\n"]
    assert PASSED not in host.files()


@pytest.mark.parametrize(
    "begins", [Reply(exited=1, stderr='exec: "sh": executable file not found in $PATH\n'), Reply("c1\n")]
)
def test_an_image_without_a_shell_migrates_and_is_asked_in_another_container(host: LocalHost, begins: Reply) -> None:
    """Docker starts no such container, or it ends with 127 where it has an init, which began nothing."""
    migrates(host, command=ALONE)
    host.stubs.add("docker-compose", {SHELL: begins})
    answers(host, Reply())
    if not begins.exited:
        failed = Reply(stderr="[FATAL tini (7)] exec sh failed: No such file or directory\n")
        host.stubs.add("docker", {f"logs -f {NAME}": [failed, Reply("Applied 1\n", stderr="Applied 2\n")]})
        host.stubs.add("docker", {f"wait {NAME}": [Reply("127\n"), Reply("0\n")]})
    assert run(host) == ["Applied 1", "Applied 2"]
    assert len(lines(host)) == 1
    assert sum(call.endswith(RUNNING) for call in host.stubs.calls) == 2


def test_whoever_comes_next_need_not_wait_while_a_migration_is_followed(host: LocalHost) -> None:
    migrates(host)
    free = "( exec 7>>$HOME/.galos-ops/step; flock -n 7 && echo yes >$HOME/free )"
    host.stubs.add("docker", {f"logs -f {NAME}": Reply(f"{BEGUN}\n{AGAIN}\n{ENDED} 0\n", effect=free)})
    run(host)
    assert host.files()["~/free"] == "yes\n"


def test_a_program_that_is_missing_is_not_tried_again_once_a_shell_began(host: LocalHost) -> None:
    migrates(host, ends="127")
    with pytest.raises(MigrationError, match="exit 127"):
        run(host)


def test_what_was_answered_before_is_void_and_the_log_tells_before_a_migration_begins(host: LocalHost) -> None:
    look = f"grep -c migrate {LOG} >$HOME/logged; ! [ -e .galos-ops/galos-sync.passed ] || echo kept >>$HOME/logged"
    migrates(host, begins=Reply(exited=1, stderr="no such service\n", effect=look))
    host.stubs.add("docker-compose", {ALONE: Reply(exited=1, stderr="no such service\n")})
    with pytest.raises(MigrationError, match="it never started") as caught:
        run(host)
    assert host.files()["~/logged"] == "1\n"
    assert caught.value.evidence == "no such service\n"


def test_nothing_is_begun_beside_a_container_that_runs(host: LocalHost) -> None:
    host.stubs.add("docker", {RUNNING: "galos-sync/stray\n"})
    with pytest.raises(GuardError, match="nothing was migrated, as stray runs beside it"):
        run(host)
    assert len(host.stubs.calls) == 1
    assert files.read(host, f"~/{LOG}") == [None]


def test_a_migration_that_cannot_be_logged_is_not_begun(host: LocalHost) -> None:
    host.stubs.add("docker", {RUNNING: ""})
    host.path(f"~/{LOG}").mkdir(parents=True)
    with pytest.raises(NotBegun, match="could not log the migration"):
        run(host)
    assert len(host.stubs.calls) == 1


MARKER = "~/.galos-ops/migrating"


def of_fleet(host: LocalHost, facts: Snapshot = FACTS) -> HeldTarget:
    """The target on a host where nothing runs, of a task for a fleet."""
    host.stubs.add("docker", {RUNNING: ""})
    host.typed = replace(host.typed, fleet="a,box")
    return held(host, facts)


def test_a_migration_elsewhere_is_noted_and_logged_until_it_is_over(host: LocalHost) -> None:
    target = of_fleet(host)
    host.put(PASSED, "an answer from before")
    announce(target, IMAGES, ("1 one",))
    assert host.files()[MARKER] == "a,box\n"
    assert PASSED not in host.files()
    assert [line.migrates for line in lines(host)] == [True]
    lift_marker(target)
    assert MARKER not in host.files()


def test_a_migration_that_did_not_begin_after_all_leaves_no_note_and_a_line_that_says_so(host: LocalHost) -> None:
    target = of_fleet(host)
    announce(target, IMAGES, ("1 one",))
    withdraw(target, IMAGES)
    assert MARKER not in host.files()
    [line] = lines(host)
    assert (line.outcome, line.migrations, line.migrates) == ("not begun", ("1 one",), False)


def test_what_an_earlier_migration_noted_stays_where_a_later_one_does_not_begin(host: LocalHost) -> None:
    target = of_fleet(host, replace(FACTS, migrating="a,b"))
    announce(target, IMAGES, ("1 one",))
    withdraw(target, IMAGES)
    assert host.files()[MARKER] == "a,box\n"


def test_a_note_that_cannot_be_made_leaves_the_one_before(host: LocalHost) -> None:
    target = of_fleet(host, replace(FACTS, migrating="a,b,c"))
    host.put(MARKER, "a,b,c\n")
    host.stubs.program("mv", "exit 1")
    with pytest.raises(NotBegun, match="could not log the migration"):
        announce(target, IMAGES, ())
    assert {name: text for name, text in host.files().items() if "migrating" in name} == {MARKER: "a,b,c\n"}


def test_a_migration_that_cannot_be_logged_leaves_no_note_of_it(host: LocalHost) -> None:
    target = of_fleet(host)
    host.path(f"~/{LOG}").mkdir(parents=True)
    with pytest.raises(NotBegun):
        announce(target, IMAGES, ())
    assert MARKER not in host.files()


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


DIGEST = f"sha256:{'d' * 64}"
BOTH, LAST = "Can apply 1/migrate one (0ns)\nCan apply 2/migrate two (0ns)\n", "Can apply 2/migrate two (0ns)\n"


def fails(host: LocalHost, before: str, answer: Reply | None = None) -> str:
    """Have a migration fail after which the image gives this answer; what is said after that of the failure.

    `before` is the image that was stopped, `OTHER` has a digest.
    """
    migrates(host, ends="1")
    form = '{{join .RepoDigests " "}}'
    if before == OTHER:
        host.stubs.add("docker", {f"image inspect -f {form} {OTHER}": f"repo@{DIGEST}\n"})
    if answer:
        answers(host, answer)
    with pytest.raises(MigrationError) as caught:
        migrate(held(host, replace(FACTS, stopped={"galos-sync": before})), IMAGES, ("1 one", "2 two"), lambda _: None)
    return caught.value.sentence.partition("until it succeeds.")[2]


def test_a_failed_migration_names_the_way_back_where_none_of_it_is_recorded(host: LocalHost) -> None:
    told = f" None of it is recorded as applied: fab -H box deploy --tag {DIGEST}, where the tables are as before, "
    assert fails(host, OTHER, Reply(BOTH)).startswith(told)


@pytest.mark.parametrize("answer", [Reply(LAST), Reply(exited=1, stderr="error: migration 1 is partially applied\n")])
def test_a_failed_migration_names_no_way_back_where_some_of_it_may_be_recorded(host: LocalHost, answer: Reply) -> None:
    assert fails(host, OTHER, answer) == ""


@pytest.mark.parametrize("before", ["", IMAGE_ID])
def test_a_failed_migration_names_no_way_back_to_what_did_not_run_before(host: LocalHost, before: str) -> None:
    assert fails(host, before) == ""


def test_a_failed_migration_names_no_way_back_to_an_image_without_a_digest(host: LocalHost) -> None:
    built = f"sha256:{'e' * 64}"
    host.stubs.add("docker", {f'image inspect -f {{{{join .RepoDigests " "}}}} {built}': "\n"})
    assert fails(host, built) == ""


def test_a_database_that_is_away_is_no_reason_to_go_back(host: LocalHost) -> None:
    migrates(host, ends="1")
    away = f"{BEGUN}\nerror: connection refused\n"
    host.stubs.add("docker", {f"logs -f {NAME}": away})
    with pytest.raises(MigrationError, match="the database is away") as caught:
        migrate(held(host, replace(FACTS, stopped={"galos-sync": OTHER})), IMAGES, ("1 one", "2 two"), lambda _: None)
    assert caught.value.sentence.endswith("until it succeeds.")


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
    migrates(host, says="Can apply 3/migrate three (0ns)\n")
    answers(host, answer)
    with pytest.raises(MigrationError, match=f"ended well, but the check says {state}") as caught:
        run(host)
    assert evidence in caught.value.evidence
    [line] = lines(host)
    assert (line.outcome, line.reason) == ("failed", f"it ended well, but the check says {state}")
    assert evidence in "".join(line.evidence)
    assert "Applied 1\n" in str(files.read(host, f"~/{line.output}")[0])


def test_what_an_unfinished_check_said_is_no_answer() -> None:
    said = f"{BEGUN}\na\nb\n{AGAIN}\nhalf"
    ended = split(Result(137, said, "", said))
    assert ended.check is None
    assert (ended.migration.stdout, ended.migration.output) == ("a\nb\n", "a\nb\n")


def test_an_output_whose_last_line_has_no_end_is_told_from_the_check() -> None:
    said: list[str] = []
    shown = Shown(said.append)
    for line in ("before", BEGUN, "a", f"b{AGAIN}", "c", f"{ENDED} 1"):
        shown(line)
    assert said == ["a", "b"]
    ended = split(Result(0, f"{BEGUN}\na\nb{AGAIN}\nc{ENDED} 1\n", "", ""))
    assert (ended.migration.stdout, ended.check) == ("a\nb", Result(1, "c", "", "c"))


@pytest.mark.parametrize(("code", "asked"), [(0, True), (3, False)])
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_shell_checks_once_the_migration_ended_well_and_ends_as_it_does(shell: str, code: int, asked: bool) -> None:
    words = in_shell([shell, "-c", f"echo 'it''s' >&2; exit {code}"], [shell, "-c", "echo none; exit 9"])
    done = subprocess.run([shell, *words[1:]], capture_output=True, text=True, check=False)
    ended = split(Result(done.returncode, done.stdout, done.stderr, done.stdout))
    assert (ended.migration.exited, ended.migration.stdout) == (code, "its\n")
    assert ended.check == (Result(9, "none\n", "", "none\n") if asked else None)


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
