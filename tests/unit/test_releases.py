import json
from dataclasses import asdict
from typing import Any

import pytest

from galos_ops.compose import Compose, Flavour
from galos_ops.errors import GuardError, NotReadyError, UsageError
from galos_ops.facts import Facts
from galos_ops.releases import Event, Log, Release, parse
from galos_ops.rollback import refuse_over_a_migration, target
from galos_ops.settings import Settings
from galos_ops.unit import Unit
from tests.unit.fake_host import FakeHost

SETTINGS = Settings()
COMPOSE = Compose(Flavour("docker-compose", (2, 26)), "~")
UNIT = Unit(FakeHost(), SETTINGS, "galos-sync", SETTINGS.services["galos-sync"], Facts(), COMPOSE)


def line(event: Event, image: str, day: int = 1, **more: Any) -> Release:
    known: dict[str, Any] = {
        "event": event, "time": f"2026-01-0{day}T00:00:00+00:00", "service": "galos-sync", "tag": "latest",
        "image": f"sha256:{image}", "previous": None, "migrations": (), "user": "ann", "machine": "laptop",
        "run": None, "seconds": 1.0, "downtime": 0.5,
    }  # fmt: skip
    return Release(**{**known, **more})


V1, V2, V3 = line("deploy", "aa", 1, tag="v1"), line("deploy", "bb", 2), line("deploy", "cc", 3)


def test_a_log_is_read_back_as_it_was_written() -> None:
    lines = [V1, line("migrate", "bb", 2, migrations=("1 première\u2028étape\x85",)), V2]
    told = "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in lines)
    assert parse(told) == Log(tuple(lines), 0)


@pytest.mark.parametrize(
    "torn",
    [
        "{", '{"event": "deploy"}', "[]", "null", "\x00\x00", "7", '"x"',
        *(
            json.dumps({**asdict(V1), **spoiled})
            for spoiled in (
                {"migrations": None}, {"migrations": "1"}, {"migrations": [1]}, {"event": "delete"}, {"time": "now"},
                {"time": 5}, {"time": "2026-01-01T00:00:00"}, {"seconds": "1"}, {"tag": None}, {"image": ["x"]},
            )
        ),
    ],
)  # fmt: skip
def test_a_line_that_nobody_can_read_is_passed_over_and_counted(torn: str) -> None:
    whole = json.dumps(asdict(V1))
    assert parse(f"{whole}\n{torn}\n\n{whole}\n") == Log((V1, V1), 1)
    assert parse(torn) == Log((), 1)
    assert parse(None) == Log((), 0)


def test_without_a_name_the_release_before_what_runs_is_the_target() -> None:
    assert target(UNIT, [V1, V2, V3], "sha256:cc", None) == V2
    assert target(UNIT, [V1, V2, V3], None, None) == V2
    assert target(UNIT, [V1, V2, line("rollback", "aa", 3)], "sha256:aa", None) == V2


@pytest.mark.parametrize("name", ["v1", "2026-01-01T00:00:00+00:00", "sha256:aa", "aa"])
def test_a_release_is_named_by_tag_time_or_image(name: str) -> None:
    assert target(UNIT, [V1, V2, V3], "sha256:cc", name) == V1


def test_a_name_that_is_none_is_usage() -> None:
    with pytest.raises(UsageError, match="--to is 'v9'"):
        target(UNIT, [V1, V2], None, "v9")


@pytest.mark.parametrize("log", [[], [V1], [V1, line("migrate", "bb", 2)]])
def test_without_an_earlier_release_there_is_nothing_to_go_back_to(log: list[Release]) -> None:
    with pytest.raises(NotReadyError, match="no earlier release"):
        target(UNIT, log, "sha256:aa", None)


def test_a_migration_since_is_a_wall() -> None:
    log = [V1, line("migrate", "bb", 2, migrations=("2 rename",)), V2, V3]
    with pytest.raises(GuardError, match="a migration ran since sha256:aa") as caught:
        refuse_over_a_migration(UNIT, log, V1)
    assert caught.value.evidence == "2 rename"
    refuse_over_a_migration(UNIT, log, V2)


def test_a_migration_that_was_never_followed_by_a_start_is_a_wall_too() -> None:
    with pytest.raises(GuardError):
        refuse_over_a_migration(UNIT, [V1, line("migrate", "bb", 2)], V1)
