import json

import pytest

from galos_ops.config import yaml_text
from galos_ops.engines.docker_compose import DockerCompose
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.redaction import Secret

UNQUOTED = (
    "1234-56-78",
    "2024-31-12",
    "2024-01-01T12:00:00 Z",
    "=",
    "<<",
    "0x_",
    "0x" + "5e" * 32,
    "0o" + "7" * 30,
    "9" * 400,
    "1" * 320 + ".5",
    "1.5e+400",
)
"""What docker-compose 2.26.1 and 5.6.1 print without quotes, and PyYAML reads as something else or not at all."""


@pytest.mark.parametrize("value", UNQUOTED)
@pytest.mark.parametrize("version", [(1, 29), (2, 26), (5, 6)])
def test_a_variable_starts_with_the_text_that_docker_compose_prints(value: str, version: tuple[int, ...]) -> None:
    printed = f"services:\n  s:\n    environment:\n      A: {value}\n    image: i\n"
    facts = Snapshot(config=Secret(printed))
    assert facts.given("s") == {"A": value}
    started = json.loads(DockerCompose("docker-compose", version).as_started(facts.tree(), "s"))
    assert started["services"]["s"]["environment"] == {"A": value}


@pytest.mark.parametrize(
    ("printed", "value"),
    [("2", 2), ("-1", -1), ("0.5", 0.5), ("true", True), ("false", False), ("null", None), ("", None), ('"2"', "2")],
)
def test_numbers_booleans_and_nothing_are_what_they_are(printed: str, value: object) -> None:
    assert yaml_text.load_resolved(f"a: {printed}\n") == {"a": value}
