"""What a person gets wrong before a task begins, and tasks of one's own."""

from __future__ import annotations

from tests.mutants.changes import DropCall, Gives, Instead, Never, Returns, Text, Uncaught
from tests.mutants.mutant import Mutant, group

RUN, SETTINGS = (f"tests/unit/test_{name}.py" for name in ("run", "settings"))
MISTAKES, LIBRARY = (f"tests/integration/test_{name}.py" for name in ("mistakes", "library"))
STARTING = "tests/integration/test_starting.py"
CONFIG = "tests/unit/test_configuring.py"
COMMAND_LINE = f"{MISTAKES}::test_a_mistake_on_the_command_line_is_a_sentence"
FULL_DISK = f"{MISTAKES}::test_a_full_disk_behind_standard_output_is_a_sentence"
MET_BY_FABRIC = "galos: 3-A configuration file of Fabric gives a key another shape than it has."

MUTANTS = (
    *group(
        "galos_ops.tasks.mistakes",
        (
            Mutant(
                "mistake_error",
                Returns("None"),
                {f"{MISTAKES}::test_a_mistake_in_a_file_of_fabric_is_a_sentence[{MET_BY_FABRIC}]": "assert 1 == 2"},
            ),
            Mutant(
                "KNOWN",
                Text("derive_shorthand", "nothing"),
                {f"{COMMAND_LINE}[words1-A host of -H has a port that is no number.]": "has a port that is no number"},
            ),
            Mutant(
                "_task_of",
                Returns("None"),
                {f"{MISTAKES}::test_an_option_before_its_task_is_told_to_go_behind_it": "== (2, told)"},
            ),
            Mutant(
                "_unquoted",
                Returns("''"),
                {f"{MISTAKES}::test_a_command_without_quotes_is_told_to_have_them": "== ["},
            ),
            Mutant(
                "SECRET",
                Instead("('merge_dicts',)", "()"),
                {f"{MISTAKES}::test_a_password_in_a_file_of_the_wrong_shape_is_not_quoted": '"n0tASecret" not in'},
            ),
            Mutant(
                "mistake_error",
                Never("_ours(frame)"),
                {f"{MISTAKES}::test_a_bug_in_a_task_of_ones_own_keeps_its_traceback": "assert 2 == 1"},
            ),
            Mutant(
                "hook",
                Never("BrokenPipeError"),
                {f"{MISTAKES}::test_a_reader_that_goes_away_is_no_traceback": "list_tasks"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.executor",
        (
            Mutant(
                "adapt",
                Returns("None"),
                {f"{MISTAKES}::test_a_mistyped_task_or_option_names_the_nearest_one": "== (2"},
            ),
            Mutant(
                "adapt",
                Never("getattr(sys, name)"),
                {f"{MISTAKES}::test_a_stream_that_is_closed_is_no_traceback": "isatty"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.starting",
        (
            Mutant(
                "init",
                Never("there :="),
                {f"{STARTING}::test_init_writes_the_first_files_and_then_nothing_more": "again.returncode == 2"},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.program",
        (
            Mutant(
                "GalosOps.print_version",
                Returns("None"),
                {f"{STARTING}::test_without_a_folder_of_its_own_it_tells_version_tasks_and_completes": "startswith"},
            ),
        ),
    ),
    *group(
        "galos_ops.config.origins",
        (
            Mutant(
                "shown",
                Never("re.search(SENSITIVE, path[-1], re.IGNORECASE)"),
                {f"{CONFIG}::test_each_value_tells_the_strongest_of_what_sets_it": "'hunter22'"},
            ),
            Mutant(
                "shown",
                Instead("masked_command(text)", "text"),
                {f"{CONFIG}::test_a_command_is_shown_without_its_secrets": "== [shown]"},
            ),
        ),
    ),
    *group(
        "galos_ops.config.loading",
        (
            Mutant(
                "read",
                Never("odd"),
                {
                    f"{SETTINGS}::test_a_broken_file_is_named[1: x-has the key 1, which is a whole number]": (
                        "DID NOT RAISE"
                    )
                },
            ),
            Mutant(
                "read",
                Instead("(yaml.YAMLError, ValueError, RecursionError)", "yaml.YAMLError"),
                {
                    f"{SETTINGS}::test_a_broken_file_is_named[a: &a [*a]-is not YAML]": "RecursionError",
                    f"{SETTINGS}::test_a_broken_file_is_named[no such date]": "month must be in 1..12",
                },
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.run",
        (
            Mutant(
                "Run._tell",
                Gives("json.dumps", "json.dumps(masked_tree(document), ensure_ascii=False)"),
                {f"{RUN}::test_json_is_in_letters_that_every_terminal_and_every_file_takes": "can't encode"},
            ),
            Mutant("Run._tell", Uncaught("OSError"), {f"{FULL_DISK}[words1]": "endswith"}),
            Mutant("Run._view", Never("report.unwritten"), {f"{FULL_DISK}[words0]": "endswith"}),
            Mutant(
                "Run._read",
                DropCall("require_text"),
                {f"{RUN}::test_what_is_no_text_is_told_before_a_host_is_connected_to[words0]": "done.returncode == 2"},
            ),
        ),
    ),
    *group(
        "galos_ops.config.command_text",
        (
            Mutant(
                "GIVEN",
                Instead("(HEADER, NAMED, PASSWORD, ACCOUNT)", "(NAMED,)"),
                {
                    f"{CONFIG}::test_no_secret_is_shown_however_a_command_quotes_it[{command}]": '"hunter22" not in'
                    for command in (
                        'curl -H "Authorization: Bearer  hunter22"',
                        "docker exec db sh -c 'mysqldump -uroot -phunter22 galos'",
                        "curl -u ann:hunter22 https://h | curl -u bob:hunter22 https://h",
                    )
                },
            ),
            Mutant(
                "masked_argv",
                Gives("map", "argv"),
                {
                    f"{CONFIG}::test_no_secret_is_shown_however_a_command_quotes_it[PASSWORD=$'a hunter22' x]": (
                        '"hunter22" not in'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.destinations",
        (
            Mutant(
                "configuration",
                Never("_runtime_found"),
                {f"{COMMAND_LINE}[words4-There is no /nowhere.yml.]": "done.returncode == 2"},
            ),
            Mutant(
                "destinations",
                Never("isinstance(context, (Connection, Group))"),
                {f"{LIBRARY}::test_a_project_uses_the_tasks_from_its_own_fabfile": "result.returncode == 0"},
            ),
        ),
    ),
)
