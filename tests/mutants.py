"""Takes each protection out of a copy of the library and expects the tests that cover it to fail: `make mutants`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEPLOY, LINKS, RACES = "tests/integration/test_deploy.py", "tests/faults/test_deaths.py", "tests/faults/test_races.py"


@dataclass(frozen=True)
class Mutant:
    """A protection that is taken out, by replacing a text that stands once in a module, and who must notice."""

    module: str
    text: str
    instead: str
    test: str


MUTANTS = (
    Mutant("deploy.py", 'if answer.state == "unknown":', "if False:", f"{DEPLOY}::test_an_unknown_answer_stops_a_deploy_before_the_service_is_touched"),
    Mutant("deploy.py", "            containers.down(unit)\n", "            pass\n", f"{DEPLOY}::test_the_runbook_from_a_bare_host_to_a_failed_migration[v2]"),
    Mutant("containers.py", 'f"{pin(images)}\\n{unit.compose.up', 'f"{unit.compose.up', f"{RACES}::test_a_newer_latest_in_the_registry_is_not_what_starts"),
    Mutant("migrating.py", 'f"{FORGET}\\n{append(', 'f"{append(', f"{DEPLOY}::test_a_migration_makes_every_earlier_answer_void"),
    Mutant("lock.py", 'f"flock -n 9 || {{ {patient if wait else busy}; }}",', '"",', f"{RACES}::test_two_that_wait_run_one_after_the_other"),
    Mutant("lock.py", '"$(cat {STATE}/token)" = {token}', "1 = 1", f"{DEPLOY}::test_a_deploy_whose_lock_was_lost_changes_nothing_more"),
    Mutant("lock.py", "|| {{ : >token; echo 'busy step'; exit 4; }}", "", f"{RACES}::test_what_a_dead_client_left_running_is_waited_for"),
    Mutant("lock.py", 'while [ "$(timeout {SILENCE_SECONDS} head -c1)" = . ]; do :; done', "cat >/dev/null", f"{LINKS}::test_the_link_freezes_after_a_step[down]"),
    Mutant("deploy.py", "    adopt(unit, report)\n", "", f"{LINKS}::test_kill_9_inside_the_migration"),
    Mutant("ssh.py", "threading.Thread(target=_watch, args=(transport,), daemon=True).start()", "pass", f"{LINKS}::test_the_link_freezes_inside_the_migration"),
    Mutant("ssh.py", "    connection.client.set_missing_host_key_policy(_Refuse(connection))\n", "", "tests/integration/test_connect.py::test_an_unknown_host_key_stops_everything"),
    Mutant("host.py", 'cat >"$new" && [', 'cat >"$path"; [', "tests/faults/test_bad_hosts.py::test_a_full_disk_leaves_the_file_as_it_was"),
    Mutant("deploy.py", "        state = start_again(unit, report, images, before)\n", '        state = "gone"\n', f"{DEPLOY}::test_an_image_that_does_not_stay_up_gives_way_to_the_previous_one"),
    Mutant("deploy.py", "    if migrated:\n", "    if False:\n", f"{DEPLOY}::test_after_a_migration_nothing_is_rolled_back"),
    Mutant("rollback.py", "    refuse_over_a_migration(unit, log, line)\n", "", "tests/integration/test_rollback.py::test_a_rollback_over_a_migration_is_refused"),
    Mutant("guard.py", "    if strangers:\n", "    if False:\n", "tests/integration/test_verbs.py::test_a_container_of_another_project_is_never_deployed_beside"),
    Mutant("host_task.py", "except KeyboardInterrupt:", "except ZeroDivisionError:", f"{LINKS}::test_an_interrupt_after_a_step_is_a_sentence"),
    Mutant("logs.py", "setLevel(logging.INFO)", "setLevel(logging.DEBUG)", "tests/integration/test_setup.py"),
)  # fmt: skip


def survives(mutant: Mutant, copy: Path) -> bool:
    """Whether the test passes all the same; the copy's module is restored."""
    path = copy / "galos_ops" / mutant.module
    original = path.read_text()
    if original.count(mutant.text) != 1:
        raise SystemExit(f"{mutant.module} does not have this once: {mutant.text}")
    path.write_text(original.replace(mutant.text, mutant.instead))
    try:
        words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutant.test]
        return subprocess.run(words, cwd=copy, capture_output=True, check=False).returncode == 0
    finally:
        path.write_text(original)


def main() -> int:
    copy = Path(tempfile.mkdtemp()) / "mutant"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache"))
    alive = 0
    for mutant in MUTANTS:
        survived = survives(mutant, copy)
        alive += survived
        print(f"{'SURVIVED' if survived else 'killed'}  {mutant.module}: {mutant.text.strip()}", flush=True)
    print(f"{len(MUTANTS) - alive} killed, {alive} survived")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
