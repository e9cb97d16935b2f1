"""What `status`, `logs` and a dry run show, and how a terminal and the log of a CI job show it."""

from __future__ import annotations

from tests.mutants.changes import (
    Always,
    DropCall,
    Gives,
    Instead,
    Never,
    Returns,
    Text,
    Uncaught,
    Unwrap,
    WithoutArgument,
)
from tests.mutants.mutant import Mutant, group

STATUS, DRY_RUN, VIEW, CI = (f"tests/integration/test_{name}.py" for name in ("status", "dry_run", "view", "ci"))
LOOKED, TERMINAL = "tests/unit/test_probe_for_status.py", "tests/unit/test_report_terminal.py"
OWN_IMAGE = f"{LOOKED}::test_the_registry_is_asked_about_the_host_s_own_image_where_the_tag_means_a_list"

SEVERAL = "tests/unit/test_verdict.py::test_of_several_containers_the_one_that_is_worst_off_counts"
AS_MANY = "tests/unit/test_verdict.py::test_as_many_containers_run_as_docker_compose_makes"
RELEASES = "tests/unit/test_releases.py"
PROBE, BAD_HOSTS = "tests/unit/test_probe.py", "tests/faults/test_bad_hosts.py"

MUTANTS = (
    *group(
        "galos_ops.engines.snapshot.snapshot",
        (
            Mutant(
                "Snapshot.container",
                Instead("_trouble", "lambda one: one.alive"),
                {
                    f"{SEVERAL}[does not run-changed1-False]": "assert error",
                    f"{SEVERAL}[says unhealthy-changed3-False]": "assert error",
                },
            ),
            Mutant(
                "Snapshot.named",
                Always("oneoff"),
                {f"{PROBE}::test_every_line_of_the_probe_becomes_a_fact": "a service's own container is taken"},
            ),
            Mutant(
                "Snapshot.named",
                Never("oneoff"),
                {
                    f"{BAD_HOSTS}::test_a_leftover_of_a_migration_that_never_started_is_no_obstacle": (
                        "is already in use"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.diagnostics.conditions.containers", (Mutant("fewer", Returns("None"), {AS_MANY: "assert error"}),)
    ),
    *group(
        "galos_ops.diagnostics.condition.Subject",
        (
            Mutant(
                "images",
                Instead("alive or ([self.container.image] if self.container else [])", "alive[:1]"),
                {f"{SEVERAL}[neither what latest means nor the last release-changed4-False]": "assert error"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.images.retention",
        (
            Mutant(
                "own",
                Always("directory =="),
                {f"{RELEASES}::test_our_tags_of_a_directory_are_its_own": "== 3"},
            ),
            Mutant(
                "repositories",
                Never("ours"),
                {
                    f"{RELEASES}::test_the_images_that_carry_migrations_are_ours_where_they_are_of_our_registry": (
                        "== found"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.registry",
        (
            Mutant(
                "compare",
                Text('[ ! "$silent" ]', "true"),
                {f"{LOOKED}::test_a_registry_that_does_not_answer_is_waited_for_once": "seen.registry =="},
            ),
            Mutant(
                "compare",
                Text("\n[[]*) own", "\nnone) own"),
                {f"{OWN_IMAGE}[list]": "=="},
            ),
            Mutant(
                "compared",
                Never("found in map"),
                {
                    f"{STATUS}::test_a_host_where_all_is_well_and_then_a_release_with_a_migration": (
                        'lines["registry"] == ["✓ newest"]'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.diagnostics.conditions.containers",
        (
            Mutant(
                "works",
                Returns("True"),
                {f"{STATUS}::test_a_container_that_is_not_up_is_said_with_the_next_command": "container does not run"},
            ),
            Mutant(
                "CONDITIONS",
                Never("migrator(it)"),
                {
                    f"{STATUS}::test_a_migration_that_runs_is_shown_and_nobody_waits": (
                        '["pending"]["reason"] == "a migration runs now"'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.diagnostics.conditions.status",
        (
            Mutant(
                "unanswered",
                Returns("None"),
                {f"{STATUS}::test_what_cannot_be_known_is_never_well": 'refused(8, "status")'},
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.looking",
        (
            Mutant(
                "history",
                Never("not shown"),
                {f"{STATUS}::test_a_host_that_nobody_set_up": "no release has been recorded on this host"},
            ),
            Mutant(
                "logs",
                Unwrap("kill_on_disconnect"),
                {f"{STATUS}::test_nothing_follows_the_logs_once_the_client_is_gone": 'f"! {{ {FOLLOWING}; }}"'},
            ),
            Mutant(
                "show",
                Never("BrokenPipeError"),
                {f"{STATUS}::test_logs_end_in_silence_when_nobody_reads_them": '== (0, "", "")'},
            ),
            Mutant(
                "show",
                Uncaught("OSError"),
                {"tests/unit/test_logs.py::test_a_line_that_cannot_be_written_here_is_told": "OSError: [Errno 28]"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.setup",
        (
            Mutant(
                "proof",
                Never("unready"),
                {f"{DRY_RUN}::test_setup_on_a_bare_host_shows_what_it_would_write": "result.returncode == code"},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.diffs",
        (
            Mutant(
                "hidden",
                Returns("text"),
                {f"{DRY_RUN}::test_what_a_host_has_already_is_never_shown": "secret not in told"},
            ),
        ),
    ),
    *group(
        "galos_ops.provisioning.files",
        (
            Mutant(
                "_closed",
                Never("host.dry"),
                {f"{DRY_RUN}::test_each_part_of_setup_only_looks": "a dry run must not make"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.compose.Compose",
        (
            Mutant(
                "as_configured",
                Instead("{now.rpartition(' ')[2]} == set(hashes)", "True"),
                {
                    f"{DRY_RUN}::test_compose_v1_too_tells_whether_its_container_is_as_configured": (
                        "its container created again: .env or the compose file changed"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.guard",
        (
            Mutant(
                "require_clean",
                Returns("None"),
                {f"{DRY_RUN}::test_a_refusal_is_the_refusal_of_the_real_run": "result.returncode == code"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.telling.Telling",
        (
            Mutant(
                "resume_orphaned_migrations",
                Gives("guard.orphaned", "[]"),
                {f"{DRY_RUN}::test_a_migration_that_somebody_s_death_left_is_told": '"adopt" in steps(told)'},
            ),
            Mutant(
                "_made",
                Returns("''"),
                {f"{DRY_RUN}::test_a_rollback_asks_the_image_that_it_would_start": "v2 → v3"},
            ),
        ),
    ),
    *group(
        "galos_ops.ui.terminal",
        (
            Mutant(
                "Terminal._animation",
                WithoutArgument("Live", "transient"),
                {f"{TERMINAL}::test_a_step_that_is_over_leaves_no_empty_line": "display(screen)"},
            ),
            Mutant(
                "Terminal.progress",
                Never("progress != text"),
                {f"{VIEW}::test_a_terminal_shows_each_step_live_and_is_left_as_it_was_after_ctrl_c": "re.search("},
            ),
            Mutant(
                "Terminal.progress",
                Never("_live"),
                {f"{TERMINAL}::test_how_far_a_step_is_stands_in_its_line_while_it_runs": "what changed is not shown"},
            ),
        ),
    ),
    *group(
        "galos_ops.ui.ci",
        (
            Mutant(
                "Folding.conclude",
                DropCall("self._end"),
                {
                    f"{VIEW}::test_github_folds_host_by_host_and_gets_the_failure_as_an_annotation": (
                        'startswith("deployed sha256:")'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.host.holder",
        (
            Mutant(
                "run_url",
                Returns("None"),
                {
                    f"{CI}::test_the_commands_of_a_workflow_deploy_and_fail_with_a_report[gitlab]": (
                        "== [RUNS[service]] * 2"
                    )
                },
            ),
        ),
    ),
)
