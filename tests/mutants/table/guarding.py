"""What keeps an image with pending or unknown migrations from being started."""

from __future__ import annotations

from tests.mutants.changes import Always, DropCall, Gives, Instead, Never, Returns, Text
from tests.mutants.mutant import Mutant, group

DEPLOY, VERBS = "tests/integration/test_deploy.py", "tests/integration/test_verbs.py"
DEATHS, DATABASES = "tests/faults/test_deaths.py", "tests/faults/test_bad_databases.py"
ONE_SUM = "tests/faults/test_one_sum.py"
ELSEWHERE = (
    "tests/faults/test_other_projects.py::test_what_a_person_made_of_a_compose_file_in_another_folder_is_the_service"
)
GUARD, REMEMBERED = "tests/integration/test_guard.py", "tests/integration/test_remembered.py"
OTHERS, ASKED = "tests/faults/test_other_projects.py", "tests/unit/test_guard.py"
DRY_RUN = "tests/integration/test_dry_run.py"
NEIGHBOURS, ONE_OFFS = "tests/faults/test_neighbours.py", "tests/faults/test_one_offs.py"
HOOKED = f"{NEIGHBOURS}::test_a_lifecycle_hook_is_refused_by_its_name_and_never_run"
CONFIGURED = f"{VERBS}::test_start_starts_what_is_as_configured_and_nothing_else"
STACK = "tests/unit/test_as_configured.py::test_a_service_of_a_stack_has_fewer_containers_while_it_is_stopped"
PROBE = "tests/unit/test_probe.py"

MUTANTS = (
    *group(
        "galos_ops.engines.one_offs.one_off",
        (
            Mutant(
                "run",
                Text('[ "$1" = ', "true || [ x = "),
                {f"{ASKED}::test_an_answer_of_another_image_is_unknown[dash-answer0]": "list index out of range"},
            ),
            Mutant(
                "run",
                Text('[ "$2 $3" = ', "true || [ x = "),
                {f"{ASKED}::test_what_docker_compose_fails_of_itself_is_no_answer[dash-created 127]": "unknown"},
            ),
            Mutant(
                "removal",
                Text("--filter label=", "--filter name="),  # several names are alternatives
                {
                    f"{ONE_OFFS}::test_a_container_that_somebody_named_like_one_of_ours_is_not_removed": (
                        'refused(5, "deploy")'
                    )
                },
            ),
            Mutant(
                "file",
                Instead("FETCHING", "()"),
                {f"{GUARD}::test_a_check_and_a_migration_fetch_nothing": "2 migrations of this image pending"},
            ),
            Mutant("file", Instead("HOOKS", "()"), {f"{HOOKED}[post_start]": '(5, "pending")'}),
            Mutant(
                "file",
                Instead("image", "tree['services'][service]['image']"),
                {f"{DRY_RUN}::test_a_deploy_is_told_step_by_step": "it ran in sha256"},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.guard",
        (
            Mutant(
                "require_as_configured",
                Gives("target.engine.as_configured", "True"),
                {f"{CONFIGURED}[{flavour}]": "refused(5, *words)" for flavour in ("v1", "v2", "v5")},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.compose.Compose",
        (
            Mutant(
                "as_configured",
                Never("(2,)"),
                {f"{CONFIGURED}[v1]": 'operator.done("stop", "start")'},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.swarm.swarm.Swarm",
        (
            Mutant(
                "as_configured",
                Instead("not run", "False"),
                {f"{STACK}[states2--True]": "is wanted"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.probe_output",
        (
            Mutant(
                "container",
                Instead("bool(row.pop('hook'))", "not row.pop('hook', True)"),
                {
                    f"{PROBE}::test_a_container_of_a_lifecycle_hook_is_never_the_service_s_own[labels2-True]": (
                        "assert [False] == [True]"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.probe",
        (
            Mutant(
                "compose",
                Text("COMPOSE_PROFILES='*' ", ""),
                {
                    f"{ONE_SUM}::test_a_service_behind_a_profile_is_deployed_and_a_person_s_up_recreates_nothing[v2]": (
                        'operator.done("setup", "deploy")'
                    )
                },
            ),
            Mutant("project", Text("first=${file%%:*};", "first=;"), {f"{ELSEWHERE}[v2]": 'operator.done("deploy")'}),
            Mutant(
                "compose",
                Text('image "$reference"', ""),
                {
                    f"{ONE_SUM}::test_migrations_in_an_image_of_their_own_are_asked_in_every_task": (
                        "refused(5, *config, task)",
                        '" pull " not in told',
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.docker_compose.DockerCompose",
        (
            Mutant(
                "resolved",
                Instead("'-'", "'docker-compose.yml'"),
                {
                    f"{ONE_SUM}::test_what_is_changed_after_the_check_starts_with_the_next_deploy[migrate]": (
                        'assert not {"PUSHED", "EDITED"} & variables(operator).keys()'
                    )
                },
            ),
            Mutant("_named", Returns("''"), {f"{ELSEWHERE}[v1]": '"already runs" in operator.done("deploy")'}),
            Mutant(
                "reading",
                Returns("self"),
                {
                    f"{ONE_SUM}::test_a_secret_out_of_env_reaches_what_asks_what_migrates_and_what_starts[{flavour}]": (
                        'operator.done("deploy")'
                    )
                    for flavour in ("v2", "v5")
                },
            ),
            Mutant(
                "up",
                Text("--no-deps", "--no-color"),
                {
                    # the neighbour's newer image may have died of its pending migration by then
                    f"{NEIGHBOURS}::test_a_neighbour_starts_behind_its_own_guard_only[v1]": (
                        "the neighbour's newer image was started unasked",
                        'done(*config, "start", "--service", "galos-sync")',
                    )
                },
            ),
            Mutant(
                "up_dependency",
                Text("--no-recreate", "--force-recreate"),
                {
                    f"{NEIGHBOURS}::test_what_somebody_else_looks_after_is_started_and_never_recreated[v2]": (
                        "assert containers(operator) == second"
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.engines.dependencies",
        (
            Mutant(
                "needed",
                DropCall("_require_running"),
                {
                    f"{NEIGHBOURS}::test_a_neighbour_starts_behind_its_own_guard_only[v2]": (
                        'refused(8, *config, task, "--service", "galos-sync")'
                    )
                },
            ),
            Mutant(
                "needed",
                Gives("running_once", "[]"),
                {f"{NEIGHBOURS}::test_a_dependency_that_runs_to_its_end_is_refused_by_its_name": "refused(8, *words)"},
            ),
            Mutant(
                "needed",
                Gives("hooks", "[]"),
                {f"{HOOKED}[{hook}]": "refused(8, *words)" for hook in ("pre_start", "post_start", "pre_stop")},
            ),
            Mutant(
                "ordered",
                Returns("list(names)"),
                {
                    f"{NEIGHBOURS}::test_a_dry_run_of_the_first_deploy_of_two_tells_their_order[v2]": (
                        'done(*config, "deploy", "--dry-run", "--json")'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.tasks.running",
        (
            Mutant(
                "end_migrations",
                Never("not kill"),
                {f"{ONE_OFFS}::test_down_and_stop_end_no_migration_unless_they_are_told_to[v1]": "refused(5, *words)"},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.runner",
        (
            Mutant(
                "kill",
                DropCall("evidence.keep"),
                {f"{ONE_OFFS}::test_down_and_stop_end_no_migration_unless_they_are_told_to[v2]": 'done("deploy")'},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.guard",
        (
            Mutant(
                "require_no_foreign_containers",
                Never("foreign"),
                {f"{VERBS}::test_a_container_of_another_project_is_never_deployed_beside": "refused(8, task)"},
            ),
            Mutant(
                "key",
                Gives("','.join", "''"),
                {"tests/unit/test_guard.py::test_the_key_of_a_clean_answer_is_a_sum_of_all_that_is_asked": "== 5"},
            ),
            Mutant(
                "key",
                Gives("json.dumps", "''"),
                {f"{REMEMBERED}::test_whatever_changes_is_asked_again[settings]": "AS_BEFORE not in"},
            ),
            Mutant(
                "passed",
                Returns("target.name in target.snapshot.passed"),
                {f"{DEATHS}::test_kill_9_after_a_step[down]": "fab ended before the end of the step"},
            ),
        ),
    ),
    *group(
        "galos_ops.engines.snapshot.snapshot.Snapshot",
        (
            Mutant(
                "ours",
                Always("self.project in"),
                {
                    f"{OTHERS}::test_another_project_in_the_same_directory_is_never_deployed_beside": (
                        'refused(8, "deploy")'
                    )
                },
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.guard",
        (
            Mutant(
                "key",
                Instead("(ids.encode(), asked, settings.encode())", "(ids.encode(), settings.encode())"),
                {f"{REMEMBERED}::test_whatever_changes_is_asked_again[compose file]": "AS_BEFORE not in"},
            ),
            Mutant(
                "key",
                Never("OUTSIDE"),
                {f"{REMEMBERED}::test_what_depends_on_a_mount_is_asked_each_time": "AS_BEFORE not in"},
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.guard",
        (
            Mutant(
                "require_no_one_offs",
                Never("strange"),
                {f"{ONE_OFFS}::test_a_one_off_container_of_somebody_stops_no_service[v2]": "refused(8, *words)"},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.steps",
        (
            Mutant(
                "pending",
                Never("unknown"),
                {
                    f"{DEPLOY}::test_an_unknown_answer_stops_a_deploy_before_the_service_is_touched": (
                        'refused(5, "deploy")'
                    ),
                    f"{DATABASES}::test_a_database_that_cannot_be_asked_costs_no_downtime": 'refused(5, "deploy")',
                    f"{DATABASES}::test_a_wrong_password_costs_no_downtime_and_is_not_shown": 'refused(5, "deploy")',
                },
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.lifecycle",
        (
            Mutant(
                "up",
                DropCall("require_clean"),
                {
                    f"{DEPLOY}::test_the_runbook_from_a_bare_host_to_a_failed_migration[v2]": 'refused(5, "up")',
                    f"{VERBS}::test_up_on_a_host_without_the_image_pulls_it_and_asks_it": 'refused(5, "up")',
                    f"{VERBS}::test_up_starts_nothing_while_a_migration_failed": 'refused(5, "up")',
                },
            ),
            Mutant(
                "start",
                DropCall("require_clean"),
                {f"{VERBS}::test_start_refuses_an_image_whose_migrations_are_pending": 'refused(5, "start")'},
            ),
            Mutant(
                "start",
                Instead("found[0].image", "target.snapshot.images[target.settings.image(target.service)]"),
                {f"{VERBS}::test_start_asks_the_image_of_the_container_itself": 'done("start")'},
            ),
        ),
    ),
    *group(
        "galos_ops.workflows.rollback",
        (
            Mutant(
                "rollback",
                DropCall("require_clean"),
                {f"{GUARD}::test_a_rollback_asks_the_image_that_it_would_start": 'refused(5, "rollback")'},
            ),
        ),
    ),
)
