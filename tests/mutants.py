"""Takes each protection out of a copy of the library and expects the tests that cover it to fail: `make mutants`.

Words after the script's name choose the mutants whose tests have one of them in their names.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sandbox.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
DEPLOY, LINKS, RACES = "tests/integration/test_deploy.py", "tests/faults/test_deaths.py", "tests/faults/test_races.py"
HOSTS, OTHERS = "tests/faults/test_bad_hosts.py", "tests/faults/test_other_projects.py"
CLOCKS, DATABASES = "tests/faults/test_bad_clocks.py", "tests/faults/test_bad_databases.py"
SECRETS, QUOTING = "tests/faults/test_secrets.py", "tests/unit/test_quoting.py"


@dataclass(frozen=True)
class Mutant:
    """A protection that is taken out, by replacing a text that stands once in a module, and who must notice.

    `test` is one test or several with a space between them: each of them must fail.
    """

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
    Mutant("host.py", 'cat >"$new" && [ "$(wc -c <"$new")" -eq {len(data)} ] && chmod', 'cat >"$new"; chmod', f"{HOSTS}::test_a_full_disk_leaves_the_file_as_it_was"),
    Mutant("deploy.py", "        state = start_again(unit, report, images, before)\n", '        state = "gone"\n', f"{DEPLOY}::test_an_image_that_does_not_stay_up_gives_way_to_the_previous_one"),
    Mutant("deploy.py", "    if migrated:\n", "    if False:\n", f"{DEPLOY}::test_after_a_migration_nothing_is_rolled_back"),
    Mutant("rollback.py", "    refuse_over_a_migration(unit, log, line)\n", "", "tests/integration/test_rollback.py::test_a_rollback_over_a_migration_is_refused"),
    Mutant("guard.py", "    if strangers:\n", "    if False:\n", "tests/integration/test_verbs.py::test_a_container_of_another_project_is_never_deployed_beside"),
    Mutant("host_task.py", "except KeyboardInterrupt:", "except ZeroDivisionError:", f"{LINKS}::test_an_interrupt_after_a_step_is_a_sentence"),
    Mutant("host.py", 'raise RuntimeError(f"a dry run must not {doing}")', "pass", "tests/unit/test_dry_run.py::test_whatever_changes_a_host_is_out_of_a_dry_run_s_reach"),
    Mutant("files.py", "        if not host.dry:\n", "        if True:\n", "tests/unit/test_dry_run.py::test_a_file_that_would_change_is_told_with_its_difference"),
    Mutant("diffs.py", 'if token["key"] or token[0] in SHOWN_JSON else', "if True else", "tests/unit/test_diffs.py::test_no_stretch_of_a_value_is_seen_in_any_config_of_docker"),
    Mutant("asking.py", 'row["image"] = last(images)', "pass", "tests/integration/test_dry_run.py::test_a_deploy_is_told_step_by_step"),
    Mutant("logs.py", "setLevel(logging.INFO)", "setLevel(logging.DEBUG)", "tests/integration/test_setup.py::test_no_secret_is_seen_in_any_output_or_on_any_command_line"),
    Mutant("deploy.py", 'if answer.state == "unknown":', "if False:", f"{DATABASES}::test_a_database_that_cannot_be_asked_costs_no_downtime {DATABASES}::test_a_wrong_password_costs_no_downtime_and_is_not_shown"),
    Mutant("deploy.py", "        if not result.ok:\n            raise CommandFailed(\n", "        if False:\n            raise CommandFailed(\n", f"{DEPLOY}::test_a_failing_pull_costs_no_downtime {HOSTS}::test_revoked_keys_cost_no_downtime {HOSTS}::test_an_ecr_api_that_is_away_costs_no_downtime"),
    Mutant("deploy.py", '"no space left" in result.output', "False", f"{HOSTS}::test_a_full_disk_under_the_engine_costs_no_downtime"),
    Mutant("deploy.py", "            containers.down(unit)\n", "            pass\n", f"{HOSTS}::test_the_engine_restarts_during_the_migration {OTHERS}::test_a_container_of_one_docker_compose_is_replaced_by_another"),
    Mutant("deploy.py", "    adopt(unit, report)\n", "", f"{DEPLOY}::test_a_killed_deploy_leaves_no_lock_and_the_next_one_adopts_its_migration"),
    Mutant("deploy.py", "migrating.judge(unit, migrating.follow(unit, report.output))", "migrating.follow(unit, report.output)", f"{DEPLOY}::test_an_adopted_migration_that_failed_is_a_failed_migration"),
    Mutant("guard.py", 'f"{pin(images)}\\ndocker rm', 'f"docker rm', f"{DEPLOY}::test_a_tag_that_moves_while_migrating_is_not_what_starts"),
    Mutant("containers.py", "if unit.facts.ours(one)]", "]", f"{OTHERS}::test_a_newer_stopped_container_of_another_project_is_not_taken_for_ours"),
    Mutant("facts.py", 'and self.project in ("", one.project)', "", f"{OTHERS}::test_another_project_in_the_same_directory_is_never_deployed_beside"),
    Mutant("facts.py", '"permission denied" in f.engine_error', "False", f"{HOSTS}::test_a_user_without_the_docker_group_is_told_so"),
    Mutant("facts.py", "f.flavour is not None and not f.compose_file", "False", f"{HOSTS}::test_no_compose_file_at_all"),
    Mutant("facts.py", "f.flavour is not None and not f.config", "False", f"{HOSTS}::test_a_compose_file_that_does_not_parse_is_named"),
    Mutant("guard.py", "unit.facts.passed.get(unit.name) == key(unit, images)", "unit.name in unit.facts.passed", f"{LINKS}::test_kill_9_after_a_step"),
    Mutant("host.py", 'return ConnectError(\n            f"{self.name}: the connection was lost', 'return CommandFailed(\n            f"{self.name}: the connection was lost', f"{LINKS}::test_the_link_is_reset_after_a_step[pull] {LINKS}::test_the_link_is_reset_after_a_step[down]"),
    Mutant("ssh.py", "            alarm.cancel()\n", "", f"{LINKS}::test_a_slow_link_is_no_dead_one"),
    Mutant("lock.py", 'f"flock -n 9 || {{ {patient if wait else busy}; }}",', '"",', f"{RACES}::test_of_twenty_deploys_one_runs_and_the_others_say_who_holds_the_host {DEPLOY}::test_a_second_deploy_is_told_who_holds_the_host"),
    Mutant("lock.py", 'if word != "held":', "if False:", f"{HOSTS}::test_a_read_only_home_is_named"),
    Mutant("unit.py", "return found if all(found.values()) else None", "return found", f"{HOSTS}::test_images_pruned_away_are_pulled_again"),
    Mutant("unit.py", "={shlex.quote(value)}", "={value}", f"{HOSTS}::test_values_of_every_kind_reach_a_migration_on_the_host_as_they_are {QUOTING}::test_the_values_of_env_reach_a_command_on_the_host_as_they_are"),
    Mutant("shell.py", "    return shlex.quote(path)\n", "    return path\n", f"{QUOTING}::test_a_word_arrives_as_it_was_typed"),
    Mutant("errors.py", 'return re.sub(r"(://[^\\s:/@]*:)\\S+@", r"\\1***@", CONTROL.sub("", text))', "return text", f"{SECRETS}::test_a_deploy_with_a_migration_and_a_backup_shows_no_password"),
    Mutant("migrating.py", "    except KeyboardInterrupt:\n", "    except ZeroDivisionError:\n", f"{DEPLOY}::test_ctrl_c_during_a_migration_says_what_goes_on"),
    Mutant("migrating.py", 'unit.change(f"docker rm -f {name} >/dev/null", doing="stop the migration")', "pass", f"{DEPLOY}::test_a_migration_past_its_time_is_stopped_on_the_host_too"),
    Mutant("migrating.py", "    judge(unit, result)\n", "", f"{DATABASES}::test_a_full_database_fails_the_migration_in_its_own_words"),
    Mutant("releases.py", "| tail -n {unit.settings.releases.keep}'", "| sort | tail -n {unit.settings.releases.keep}'", f"{CLOCKS}::test_an_operator_whose_clock_is_behind_keeps_and_finds_the_right_releases"),
    Mutant("ecr.py", "Signature (expired|not yet current)", "never", f"{CLOCKS}::test_a_host_whose_clock_is_wrong_is_told_so"),
)  # fmt: skip

WITHOUT = {
    "test_the_ear_hears_a_secret_on_a_command_line": "it tests the ear that another test listens with",
    "test_a_host_without_sftp_is_a_host": "nothing in the library speaks SFTP",
    "test_two_containers_of_the_service_are_one_after_a_deploy": "docker-compose itself scales back to one",
    "test_a_leftover_of_a_migration_that_never_started_is_no_obstacle": "held twice: it is adopted, and removed by name",
}
"""Fault tests that no mutant can kill, and why."""


@dataclass(frozen=True)
class Laboratory:
    """A copy of the checkout and one sandbox for all runs in it, set up by the library as it is."""

    copy: Path
    sandbox: Sandbox

    def ended(self, tests: str) -> str:
        """The last line that pytest prints of some tests."""
        words = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", *tests.split()]
        variables = {**os.environ, "TEST_SANDBOX": str(self.sandbox.directory)}
        told = subprocess.run(words, cwd=self.copy, env=variables, text=True, capture_output=True, check=False).stdout
        return told.strip().rpartition("\n")[2]

    def without(self, mutant: Mutant) -> str:
        """The same of a mutant's tests, its protection being taken out meanwhile."""
        path = self.copy / "galos_ops" / mutant.module
        original = path.read_text()
        path.write_text(original.replace(mutant.text, mutant.instead))
        try:
            return self.ended(mutant.test)
        finally:
            path.write_text(original)


def main() -> int:
    chosen = [one for one in MUTANTS if not sys.argv[1:] or any(word in one.test for word in sys.argv[1:])]
    directory = Path(tempfile.mkdtemp())
    shutil.copytree(ROOT, directory / "copy", ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache"))
    laboratory = Laboratory(directory / "copy", Sandbox("test", directory))
    alive = 0
    try:
        print(laboratory.ended(f"{DEPLOY}::test_the_second_deploy_changes_nothing_and_says_so"), flush=True)
        for mutant in chosen:
            summary = laboratory.without(mutant)
            killed = re.fullmatch(r"\d+ failed in .*", summary)  # a test that passes, or cannot begin, proves nothing
            alive += not killed
            verdict = "killed" if killed else "SURVIVED"
            print(f"{verdict}  {mutant.module}: {mutant.text.strip()}  ({summary})", flush=True)
    finally:
        laboratory.sandbox.down()
        shutil.rmtree(directory)
    print(f"{len(chosen) - alive} killed, {alive} survived")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
