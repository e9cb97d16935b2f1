"""A person breaks each rule by hand, and the judge says so."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Operator
from tests.judge import GapError
from tests.judge.judge import PATIENCE

ONE_OFF = "docker-compose run -T --name galos-sync-migration --entrypoint sqlx galos-sync"
MIGRATE = f"{ONE_OFF} migrate run --source galos_db/migrations"
RECORDER = "$(pgrep -f '^/bin/sh /sbin/recorder')"


def by_hand(operator: Operator, script: str) -> None:
    operator.host.shell(f"cd && {script}")


@pytest.mark.violates("guard", "an image is started with its migrations pending")
@pytest.mark.violates("checked", "nothing asked the image")
def test_an_image_with_pending_migrations_is_noticed(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    by_hand(deployed, "docker-compose pull -q && docker-compose up -d")
    told = deployed.judge.verdict()
    assert told.keys() == {"guard", "checked"}
    assert "(v2) started with ['20260806140000', '20260806150000'] pending, [] unknown to its image" in told["guard"][0]


@pytest.mark.violates("stopped", "the service runs beside the migration")
@pytest.mark.violates("sessions", "the service has a session during the migration")
@pytest.mark.violates("left", "the container that migrated is not removed")
def test_a_service_beside_a_migration_is_noticed_by_its_container_and_by_its_session(deployed: Operator) -> None:
    deployed.sandbox.migration_seconds(5)
    deployed.sandbox.publish("slow-migration")
    by_hand(deployed, f"docker update --restart no $(docker ps -q) && docker-compose pull -q && {MIGRATE}")
    told = deployed.judge.verdict()
    assert any("ran while galos-sync-migration (slow-migration) did" in line for line in told["stopped"])
    assert any("existed while galos-sync-migration" in line for line in told["stopped"])
    assert "galos-sync of " in told["sessions"][0]
    assert told["left"] == ["the container galos-sync-migration is left"]


def test_stop_and_start_is_downtime_though_the_same_container_runs(deployed: Operator) -> None:
    deployed.judge.no_downtime()
    by_hand(deployed, "docker-compose stop -t 1 && docker-compose start")
    with pytest.raises(AssertionError, match="other containers run than when it began"):
        deployed.judge.no_downtime()
    mark = deployed.judge.mark()
    by_hand(deployed, "docker-compose restart -t 1")
    with pytest.raises(AssertionError, match=r"downtime where none is promised: .*die of .*start of"):
        deployed.judge.no_downtime(mark)


def test_what_is_declared_as_done_by_hand_is_not_judged(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    with deployed.judge.by_hand("the rule is broken by a person"):
        by_hand(deployed, "docker-compose pull -q && docker-compose up -d")


def test_the_record_is_whole_across_a_restart_of_the_engine_and_of_its_reader(deployed: Operator) -> None:
    before = deployed.judge.mark()
    by_hand(deployed, f"pkill -P {RECORDER}")
    deployed.judge.mark()  # it has attached again, and all that the engine kept is in the record
    deployed.host.engine_stop()
    deployed.host.engine_start()
    assert deployed.judge.of_service("die", "start", since=before) == ["die", "start"]
    assert [run.asked for run in deployed.judge.record().runs if run.start] == [False]


@pytest.mark.unjudged("the recorder is taken away")
def test_a_record_that_ends_is_no_proof(deployed: Operator) -> None:
    deployed.judge.begin()
    by_hand(deployed, f"kill -STOP {RECORDER} $(pgrep -P {RECORDER})")
    deployed.judge.patience = 1
    try:
        with pytest.raises(GapError, match="an event did not come to the record"):
            deployed.judge.verdict()
    finally:
        by_hand(deployed, f"kill -CONT {RECORDER} $(pgrep -P {RECORDER})")
    deployed.judge.patience = PATIENCE
    assert deployed.judge.verdict() == {}


@pytest.mark.unjudged("an event is taken out of the record")
def test_an_event_that_only_the_engine_knows_is_part_of_the_record(deployed: Operator) -> None:
    deployed.judge.begin()
    by_hand(deployed, "docker volume create lost && docker volume rm lost")
    deployed.judge.record()
    record = "/var/log/docker-events.jsonl"  # rewritten in place: the recorder has it open
    by_hand(deployed, f'grep -v \'"ID":"lost"\' {record} >/tmp/record; cat /tmp/record >{record}; rm /tmp/record')
    found = [each.action for each in deployed.judge.record().of("volume", "create", "destroy") if each.id == "lost"]
    assert found == ["create", "destroy"]
