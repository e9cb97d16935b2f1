"""What `setup` puts on a host, and what a dry run must not."""

from __future__ import annotations

from tests.mutants.changes import Always, Never, Text, Unwrap
from tests.mutants.mutant import Mutant, group

HOSTS, CLOCKS = "tests/faults/test_bad_hosts.py", "tests/faults/test_bad_clocks.py"
QUOTING, DRY_RUN = "tests/unit/test_quoting.py", "tests/unit/test_dry_run.py"
HOST, SETUP = "tests/unit/test_host.py", "tests/integration/test_setup.py"

WRITTEN: tuple[tuple[Text, dict[str, str]], ...] = (
    (
        Text("umask 077;", "umask 022;"),
        {f"{HOST}::test_a_new_file_and_its_folders_are_the_owners_alone": "mode(host.home / name)"},
    ),
    (
        Text("|| chown ", "|| : chown "),
        {
            f"{HOST}::test_as_root_a_file_keeps_its_owner": "(path.read_text(), path.stat()",
            f"{SETUP}::test_a_file_keeps_its_owner_when_root_writes_it": "600 galos galos",
        },
    ),
    (
        Text("readlink -f", "false"),
        {f"{HOST}::test_a_symbolic_link_stays_and_its_target_is_written": "Invalid argument"},
    ),
)

MUTANTS = (
    *group(
        "galos_ops.host.files",
        (
            Mutant(
                "write",
                Text('cat >"$new" && [', 'cat >"$new"; [ 1 ] || ['),
                {f"{HOSTS}::test_a_full_disk_leaves_the_file_as_it_was": 'refused(1, "env.push")'},
            ),
            *(Mutant("write", change, dies_of) for change, dies_of in WRITTEN),
        ),
    ),
    *group(
        "galos_ops.host.host.Host",
        (
            Mutant(
                "refuse_dry",
                Never("self.dry"),
                {
                    f"{DRY_RUN}::test_whatever_changes_a_host_is_out_of_a_dry_run_s_reach[change]": (
                        "nobody expected this script"
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.files",
        (
            Mutant(
                "place",
                Always("not host.dry"),
                {f"{DRY_RUN}::test_a_file_that_would_change_is_told_with_its_difference": "a dry run must not write"},
            ),
        ),
    ),
    *group(
        "galos_ops.host.shell",
        (
            Mutant(
                "exports",
                Unwrap("shlex.quote"),
                {
                    f"{HOSTS}::test_values_of_every_kind_reach_a_migration_on_the_host_as_they_are": "bash failed on",
                    f"{QUOTING}::test_the_values_of_env_reach_a_command_on_the_host_as_they_are": (
                        "done.ok",
                        "KeyError",
                    ),
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host.shell",
        (
            Mutant(
                "shell_path",
                Unwrap("shlex.quote(path)"),
                {f"{QUOTING}::test_a_word_arrives_as_it_was_typed": ("could not print", "map(shell_path, texts)")},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.ecr",
        (
            Mutant(
                "HINTS",
                Text("Signature (expired|not yet current)", "never"),
                {f"{CLOCKS}::test_a_host_whose_clock_is_wrong_is_told_so": "next: set the clock of sandbox"},
            ),
        ),
    ),
)
