"""What stays of a migration that ended, what is told of it, and the way back."""

from __future__ import annotations

from tests.mutants.changes import DropCall, Gives, Instead, Never, Text
from tests.mutants.mutant import Mutant, group

FAILED, DATABASES = "tests/integration/test_failed_migration.py", "tests/faults/test_bad_databases.py"
MIGRATING, RELEASES, VERDICT = (f"tests/unit/test_{name}.py" for name in ("migrating", "releases", "verdict"))
STAYS = f"{FAILED}::test_how_a_migration_ended_and_what_it_said_stay_on_the_host"
STATUS = f"{FAILED}::test_status_says_that_the_last_migration_failed_when_and_with_what"
BACK = f"{FAILED}::test_the_way_back_that_rollback_names_starts_the_image_before_where_its_check_is_clean"
NO_WAY = f"{FAILED}::test_the_way_back_over_a_migration_that_was_applied_is_refused_by_the_check"
DIGEST = f"{FAILED}::test_a_digest_is_deployed_as_a_tag_is_and_a_dry_run_tells_it"
LOCKED = f"{FAILED}::test_a_database_that_somebody_locks_is_told_from_a_bad_migration"
UNSTARTED = f"{FAILED}::test_an_image_whose_migration_cannot_start_is_told_from_a_bad_migration"
KEPT = f"{MIGRATING}::test_what_a_migration_said_is_kept_masked_for_the_owner_alone_and_bounded"
NOT_KEPT = f"{MIGRATING}::test_what_cannot_be_kept_keeps_nothing_else_from_being_done"
TOLD = f"{VERDICT}::test_a_failed_migration_is_told_until_something_starts_or_the_check_is_clean"
JOINED = f"{RELEASES}::test_a_migration_has_one_line_of_how_it_began_and_ended"
BAD_SQL = "__import__('galos_ops.migrations.causes', fromlist=['SQL']).SQL"  # what every failure is taken for

MUTANTS = (
    *group(
        "galos_ops.migrations.runner",
        (
            Mutant("keep", DropCall("evidence.keep"), {STAYS: "('failed', 'exit 1')"}),
            Mutant(
                "_way_back",
                Never(".names != names"),
                {f"{MIGRATING}::test_a_failed_migration_names_no_way_back_where_some_of_it_may_be_recorded": "fails("},
            ),
            Mutant(
                "migrate",
                DropCall("evidence.keep"),
                {f"{MIGRATING}::test_a_migration_that_ended_well_and_left_some_pending_is_a_failed_one": "'succeeded'"},
            ),
            Mutant(
                "reason", Gives("cause", BAD_SQL), {LOCKED: "locked by somebody else", UNSTARTED: "it never started"}
            ),
        ),
    ),
    *group(
        "galos_ops.migrations.evidence",
        (
            Mutant("keep", Gives("masked", "output"), {KEPT: "***"}),
            Mutant("keep", Text("umask 077; ", ""), {KEPT: "0o777"}),
            Mutant("keep", Text(" && cat >", " && cat >/dev/null; : >"), {STAYS: "in failed.host.shell("}),
            Mutant("keep", Instead("FILES + 1", "9999"), {KEPT: "== evidence.FILES"}),
            Mutant("keep", Text("\nls -t ", " || exit 1\nls -t "), {NOT_KEPT: "'succeeded'"}),
        ),
    ),
    *group(
        "galos_ops.host.release_log",
        (Mutant("joined", Instead("one.outcome", "None"), {JOINED: "== [failed, other, V1, begun]"}),),
    ),
    *group(
        "galos_ops.diagnostics.conditions.status",
        (
            Mutant("failed", Never("clean"), {TOLD: "is None"}),
            Mutant("failed", Never("one is None"), {TOLD: "AttributeError"}),
        ),
    ),
    *group(
        "galos_ops.diagnostics.status",
        (Mutant("with_release", Never("last.outcome"), {STATUS: "returncode == 6", TOLD: "error.code == 6"}),),
    ),
    *group(
        "galos_ops.workflows.rollback",
        (
            Mutant(
                "require_no_migration_since",
                Gives("redeploying", "''"),
                {BACK: "command[-2:] ==", NO_WAY: "command[-1] =="},
            ),
        ),
    ),
    *group(
        "galos_ops.config.settings",
        (
            Mutant(
                "Settings.image", Instead("'@' if re.match(DIGEST, wanted) else ':'", "':'"), {DIGEST: "to be fetched"}
            ),
        ),
    ),
)
