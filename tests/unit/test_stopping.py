"""What is said, and mended, when something fails while services are stopped for a migration."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_mock import MockerFixture

from galos_ops.engines.engine import HeldTarget
from galos_ops.errors import CommandFailed, ConnectError, GuardError, LockedError, NotReadyError, OpsError, VerifyError
from galos_ops.migrations import guard
from galos_ops.ui.plain import Plain
from galos_ops.workflows.doing import Doing
from galos_ops.workflows.steps import Outcome, Restarted, Steps
from galos_ops.workflows.stopping import Stop
from galos_ops.workflows.switching import record, switch
from tests.unit.local_host import LocalHost
from tests.unit.screen import Screen
from tests.unit.targets import FACTS, IMAGE_ID, IMAGES, held
from tests.unit.test_guard import OTHER

STOPPED = replace(FACTS, stopped={"galos-sync": OTHER})
MIGRATED = replace(STOPPED, logged={"galos-sync": "migrate"})
SINCE = "2026-01-01T00:00:00Z"


class Restarting(Doing):
    """Steps that tell what came of starting the previous image again; `found` is that."""

    found = Restarted("it runs again", runs=True)

    def restart_previous(self) -> Restarted:
        return self.found


def doing(target: HeldTarget, kind: type[Doing] = Doing) -> Doing:
    return kind(target, Plain(Screen()))


def stop(*services: Steps) -> Stop:
    return Stop(services, 0.0, SINCE)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Restarted("it runs again", runs=True), "no. galos-sync: it runs again."),
        (Restarted("it does not"), f"no. galos-sync: it does not. Down since {SINCE}: galos-sync."),
    ],
)
def test_what_fails_before_a_migration_says_whether_the_service_runs_again(
    host: LocalHost, found: Restarted, told: str, mocker: MockerFixture
) -> None:
    mocker.patch.object(Restarting, "found", found)
    with pytest.raises(OpsError) as caught, stop(doing(held(host, STOPPED), Restarting)).reported(restart=OpsError):
        raise CommandFailed("no.")
    assert caught.value.sentence == told


def test_what_fails_after_a_migration_says_since_when_the_service_is_down(host: LocalHost) -> None:
    with pytest.raises(CommandFailed) as caught, stop(doing(held(host, STOPPED))).reported():
        raise CommandFailed("no.")
    assert caught.value.sentence == f"no. Down since {SINCE}: galos-sync."


@pytest.mark.parametrize("dry", [False, True])
def test_an_interrupt_says_so_too_unless_nothing_was_stopped(host: LocalHost, dry: bool) -> None:
    steps = doing(held(host, STOPPED))
    host.dry = dry
    with pytest.raises(KeyboardInterrupt) as caught, stop(steps).reported():
        raise KeyboardInterrupt
    assert caught.value.args == (() if dry else (f"Down since {SINCE}: galos-sync.",))
    assert stop().interrupted("Down").args == ()


def test_what_an_earlier_run_left_down_is_told_since_then(host: LocalHost) -> None:
    left = replace(MIGRATED, stopped_at={"galos-sync": "2025-12-31T23:00:00Z"})
    told = [
        (left, "no. Down since 2025-12-31T23:00:00Z: galos-sync."),
        (MIGRATED, "no. Down since an earlier run: galos-sync."),
        (replace(left, stopped={}), "no."),
    ]
    for facts, sentence in told:
        with pytest.raises(OpsError) as caught, Stop.left([doing(held(host, facts))]).reported(restart=OpsError):
            raise CommandFailed("no.")
        assert caught.value.sentence == sentence


def test_an_interrupt_while_what_ran_before_starts_again_tells_the_failure_too(
    host: LocalHost, mocker: MockerFixture
) -> None:
    mocker.patch.object(Restarting, "restart_previous", side_effect=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt) as caught, stop(doing(held(host, STOPPED), Restarting)).reported(OpsError):
        raise CommandFailed("the backup failed.")
    assert caught.value.args == ("the backup failed.", f"Perhaps down since {SINCE}: galos-sync.")


def test_an_interrupt_while_a_new_image_gives_way_tells_why_it_does(host: LocalHost, mocker: MockerFixture) -> None:
    steps = doing(held(host, STOPPED))
    mocker.patch.object(Doing, "up", side_effect=VerifyError("it crashed."))
    mocker.patch.object(Doing, "recover_from_failed_start", side_effect=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt) as caught, stop(steps).interrupts("Perhaps down"):
        switch(steps, IMAGES, 0.0)
    assert caught.value.args == ("it crashed.", f"Perhaps down since {SINCE}: galos-sync.")


def failed_restart(host: LocalHost, failure: OpsError, mocker: MockerFixture) -> str:
    """Have the check of the previous image fail; the sentence of an image that crashed before."""
    mocker.patch.object(guard, "check", side_effect=failure)
    steps = doing(held(host, STOPPED))
    assert not steps.restart_previous().runs
    return steps.recover_from_failed_start(VerifyError("it crashed."), IMAGES, migrated=False).sentence


def test_a_restart_that_fails_does_not_hide_the_failure_before_it(host: LocalHost, mocker: MockerFixture) -> None:
    told = failed_restart(host, NotReadyError("its carrier is gone."), mocker)
    assert told == "it crashed; the previous image sha256:bbbbbbbb does not run either: its carrier is gone."


@pytest.mark.parametrize("failure", [ConnectError("the link is lost."), LockedError("the lock expired.")])
def test_whether_the_image_before_runs_is_not_known_where_the_host_is_not_ours_any_more(
    host: LocalHost, failure: OpsError, mocker: MockerFixture
) -> None:
    told = failed_restart(host, failure, mocker)
    assert told == f"it crashed; whether the previous image sha256:bbbbbbbb runs is not known: {failure.sentence}"


def test_after_a_migration_of_an_earlier_run_the_image_before_does_not_start_again(host: LocalHost) -> None:
    """Its own check may call the newer schema clean, as those of dbmate, Django and Rails do."""
    target = held(host, MIGRATED)
    assert (target.stopped_image, target.previous_image) == (OTHER, None)
    assert held(host, STOPPED).previous_image == OTHER
    steps = doing(target)
    assert not steps.restart_previous().runs
    error = steps.recover_from_failed_start(VerifyError("it crashed."), IMAGES, migrated=False)
    assert "a migration ran, so the previous image must not start on the new schema" in error.sentence


def test_a_release_that_cannot_be_recorded_runs(host: LocalHost, mocker: MockerFixture) -> None:
    steps = doing(held(host))
    mocker.patch.object(Doing, "record", side_effect=CommandFailed("box: could not record the release (exit 1)."))
    outcome = Outcome("box", "galos-sync", IMAGE_ID, None, True, (), 1.0, None)
    with pytest.raises(CommandFailed) as caught:
        record(steps, IMAGES, outcome)
    assert caught.value.sentence.endswith("(exit 1). galos-sync runs all the same; the next deploy records it.")


def test_a_service_that_an_earlier_run_left_migrated_and_down_is_told_as_that(host: LocalHost) -> None:
    guard.require_not_left(held(host, STOPPED))
    with pytest.raises(GuardError, match="galos-sync: it is down: an earlier run began its migration") as caught:
        guard.require_not_left(held(host, MIGRATED))
    assert caught.value.hint.endswith("deploy --service galos-sync")
