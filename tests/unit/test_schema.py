"""The JSON schema of fabfile.yml and `Settings.of` agree about any tree."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from galos_ops.config.loading import overlay
from galos_ops.config.schema import schema
from galos_ops.config.settings import REPOSITORY, Engine, examine

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema.Draft7Validator(schema({}))
BEYOND = re.compile(r"galos\.services\..*\.(migration\.(stops|arguments)|repository)")
"""The keys of which the schema cannot say all."""

plain = (
    st.none() | st.booleans() | st.integers(-3, 5) | st.sampled_from([0.5, "", "x", "a b", "~", "~/x", "srv", "/", []])
)
names = st.sampled_from(["web", "a.b", "Web", "a b", "", "db\n", "-x"])


def table(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A tree with some of the keys, each with a value of its own or another one, and now and then one that is none."""
    rows = st.fixed_dictionaries({}, optional={name: values | plain for name, values in keys.items()})
    return rows | st.builds(lambda row, key: {**row, key: 1}, rows, st.sampled_from(["wait", "tolo", "hosts"]))


migration = table(
    tool=st.sampled_from(["sqlx", "command", "none", "sql"]),
    where=st.sampled_from(["service", "host", "there"]),
    service=names,
    arguments=st.sampled_from(["", "--x 'y z'", "'"]),
    check=st.sampled_from(["", "true"]),
    run=st.sampled_from(["", "true"]),
    backup=st.sampled_from(["", "pg_dump"]),
    timeout=st.integers(-1, 2),
    stops=st.lists(st.sampled_from(["web", "nobody"]) | plain, max_size=2),
)
service = table(
    repository=st.sampled_from(["galos/sync", "Galos", "", "a\n"]),
    tag=st.sampled_from(["v1", "v 1", "_x", "", "x\n", "é"]),
    migration=migration,
)
registries = st.sampled_from(
    ["123456789012.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr-ecr-fips.us-east-1.on.aws", "ghcr.io", "١" * 12]
)
galos = table(
    engine=st.sampled_from(["compose", "swarm", "podman"]),
    directory=st.sampled_from(["~", "~/srv", "/srv", "~bob/x", "/a\nb", "/a\0", "~\n", "/a\n"]),
    env_file=st.just(".env"),
    env_command=st.just("op read"),
    ecr=table(registry=registries, region=st.sampled_from(["eu-west-1", "Frankfurt", "eu-west-1\n"]), profile=names),
    services=st.dictionaries(names, service | plain, max_size=2),
    verify=table(seconds=st.integers(-1, 1)),
    releases=table(keep=st.integers(0, 2)),
    lock=table(wait=st.integers(-1, 1)),
    fleet=table(parallel=st.integers(1, 2), pause=st.integers(0, 1)),
    hooks=table(before=st.just("true")),
)


@given(galos)
def test_the_schema_refuses_what_the_settings_refuse_and_nothing_else(tree: Any) -> None:
    _, faults = examine(tree)
    said = [fault for fault in faults if not (BEYOND.fullmatch(fault.key) and beyond(tree, fault.key, fault.sentence))]
    errors = [error.message for error in VALIDATOR.iter_errors({"galos": tree})]
    assert bool(errors) == bool(said), (errors, [fault.sentence for fault in faults])


def beyond(tree: Any, key: str, sentence: str) -> bool:
    """Whether a fault is one that no schema can tell."""
    if key.endswith("repository"):
        name = key.removeprefix("galos.services.").removesuffix(".repository")
        row = tree["services"][name]
        return not (isinstance(row, dict) and row.get("repository")) and not re.match(REPOSITORY, name)
    return "names" in sentence or ".arguments is '" in sentence


@pytest.mark.parametrize("path", [ROOT / "fabfile.yml"], ids=lambda path: path.name)
def test_a_fabfile_of_ours_is_valid(path: Path) -> None:
    tree = yaml.safe_load(path.read_text())
    VALIDATOR.validate(tree)
    VALIDATOR.validate({"galos": overlay(tree["galos"])})


def test_each_engine_is_valid() -> None:
    for engine in get_args(Engine):
        VALIDATOR.validate({"galos": {"engine": engine}})


def test_an_editor_gets_words_and_patterns_that_javascript_understands() -> None:
    words = {"galos.engine": "how containers are driven", "galos.services.NAME.tag": "the tag"}
    text = json.dumps(schema(words))
    assert "how containers are driven" in text
    assert '"description": "the tag"' in text
    assert "(?P<" not in text
    assert "\\\\Z" not in text
