"""What keeps an image with pending or unknown migrations from being started."""

from __future__ import annotations

from tests.mutants.changes import Always, Gives, Never, Returns
from tests.mutants.mutant import Mutant, group

DEPLOY, VERBS = "tests/integration/test_deploy.py", "tests/integration/test_verbs.py"
DEATHS, DATABASES = "tests/faults/test_deaths.py", "tests/faults/test_bad_databases.py"
OTHERS = "tests/faults/test_other_projects.py"

MUTANTS = (
    *group(
        "galos_ops.guard",
        (
            Mutant(
                "alone",
                Never("strangers"),
                {f"{VERBS}::test_a_container_of_another_project_is_never_deployed_beside": "refused(8, task)"},
            ),
            Mutant(
                "_ask",
                Gives("pin(images)", "''"),
                {f"{DEPLOY}::test_a_tag_that_moves_while_migrating_is_not_what_starts": "deploy.returncode == code"},
            ),
            Mutant(
                "passed",
                Returns("unit.name in unit.facts.passed"),
                {f"{DEATHS}::test_kill_9_after_a_step[down]": "fab ended before the end of the step"},
            ),
        ),
    ),
    *group(
        "galos_ops.deploy",
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
        "galos_ops.facts.Facts",
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
)
