"""What keeps a host from filling up, and what keeps others' things on it."""

from __future__ import annotations

from tests.mutants.changes import Always, Instead, Never, Text
from tests.mutants.mutant import Mutant, group

PRUNE, RELEASES = "tests/integration/test_prune.py", "tests/unit/test_releases.py"
PILE = f"{PRUNE}::test_images_whose_deploys_failed_do_not_pile_up"
STOPPED = f"{PRUNE}::test_the_image_that_was_stopped_for_a_migration_is_not_swept"
TAKES = f"{PRUNE}::test_prune_takes_what_is_ours_and_not_needed_and_nothing_else"
SWEPT = f"{RELEASES}::test_images_of_the_repository_that_no_tag_names_go_but_what_is_to_start_again"
OURS = f"{RELEASES}::test_what_is_not_needed_is_ours_and_nobody_else_s"

MUTANTS = (
    *group(
        "galos_ops.engines.images.retention",
        (
            Mutant("_sweep", Text("*) continue ;;", "*) ;;"), {SWEPT: "unexpected", STOPPED: "in images(deployed)"}),
            Mutant("_sweep", Text(' docker rmi "$old"', ' : "$old"'), {PILE: "images(deployed) == kept"}),
            Mutant("sweep", Never("isinstance"), {SWEPT: "unused"}),
        ),
    ),
    *group(
        "galos_ops.engines.images.surplus",
        (
            Mutant("unneeded", Always("len(ours) == len(image.tags)"), {OURS: "== ["}),
            Mutant("_stray", Never("'run'"), {TAKES: "['galos-sync-check-0a1b']"}),
            Mutant("remove", Text("docker rm -f -v ", "docker rm -f "), {TAKES: "volumes(deployed) == before"}),
            Mutant("surplus", Instead("kept_images(target, log) | used", "set()"), {TAKES: "tagged == [third]"}),
        ),
    ),
)
