"""Docker's config.json on the host: JSON merged in its own manner, written by a real shell."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galos_ops.config.settings import Service, Settings
from galos_ops.errors import NotReadyError
from galos_ops.provisioning import ecr
from galos_ops.provisioning.docker_config import with_helpers
from tests.unit.local_host import LocalHost

REGISTRY = Settings().ecr.registry
HELPERS = {REGISTRY: "ecr-login"}


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        (None, '{\n\t"credHelpers": {\n\t\t"r": "ecr-login"\n\t}\n}\n'),
        ("", '{\n\t"credHelpers": {\n\t\t"r": "ecr-login"\n\t}\n}\n'),
        ("{}", '{"credHelpers": {"r": "ecr-login"}}'),
        ('{"a":1}\n', '{"a":1,"credHelpers":{"r":"ecr-login"}}\n'),
        ('{"b": 1, "a": [1, 2]}', '{"b": 1, "a": [1, 2], "credHelpers": {"r": "ecr-login"}}'),
        ('{\n  "a": 1\n}\n', '{\n  "a": 1,\n  "credHelpers": {\n    "r": "ecr-login"\n  }\n}\n'),
        ('{\r\n\t"a": "é"\r\n}', '{\r\n\t"a": "é",\r\n\t"credHelpers": {\r\n\t\t"r": "ecr-login"\r\n\t}\r\n}'),
        ('{"credHelpers": null}', '{"credHelpers": {"r": "ecr-login"}}'),
        ('{"credHelpers": {"r": "desktop", "q": "x"}}', '{"credHelpers": {"r": "ecr-login", "q": "x"}}'),
        ('{ "credHelpers" : {"r":"ecr-login" } }', '{ "credHelpers" : {"r":"ecr-login" } }'),
        (
            '{"credsStore": "pass", "auths": {"q": {"auth": "eA=="}}}',
            '{"credsStore": "pass", "auths": {"q": {"auth": "eA=="}}, "credHelpers": {"r": "ecr-login"}}',
        ),
    ],
)
def test_docker_config_merge(text: str | None, merged: str) -> None:
    assert with_helpers(text, {"r": "ecr-login"}, name="x") == merged
    assert with_helpers(merged, {"r": "ecr-login"}, name="x") == merged


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "line 1"),
        ("[]", "not a JSON object"),
        ('"x"', "not a JSON object"),
        ('{"a": 1,}', "line 1"),
        ("{1: 2}", "line 1"),
        ('{"credHelpers": []}', "credHelpers is not an object"),
        ('{"credHelpers": {"a": "x", "a": "y"}}', "'a' is set twice"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('\ufeff{"a": 1}', "BOM"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_docker_config_that_cannot_be_merged_is_left_alone(box: LocalHost, text: str, why: str) -> None:
    inode = box.put(ecr.DOCKER_CONFIG, text).stat().st_ino
    with pytest.raises(NotReadyError, match=r"box: ~/\.docker/config\.json cannot be read") as caught:
        ecr.docker_config(box, Settings())
    assert why in caught.value.evidence
    assert box.files() == {ecr.DOCKER_CONFIG: text}
    assert box.path(ecr.DOCKER_CONFIG).stat().st_ino == inode


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.text())
trees = st.dictionaries(
    st.text(), st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
)


@given(trees, st.dictionaries(st.text(), st.text()), st.sampled_from([None, "\t", 2, 4]), st.booleans())
def test_docker_config_merge_keeps_everything_else(
    others: dict[str, Any], helpers: dict[str, str], indent: str | int | None, ascii_only: bool
) -> None:
    before = {**others, "credHelpers": helpers}
    text = json.dumps(before, indent=indent, ensure_ascii=ascii_only)
    merged = with_helpers(text, HELPERS, name="x")
    after = json.loads(merged)
    assert after == {**before, "credHelpers": {**helpers, **HELPERS}}
    assert list(after) == list(before)
    assert with_helpers(merged, HELPERS, name="x") == merged
    assert ("\n" in merged) == ("\n" in text)


def test_docker_config_names_the_registry_and_each_repository(host: LocalHost) -> None:
    services = {"galos-sync": Service("galos-sync"), "other": Service("team/other")}
    settings = Settings(services=services)
    assert ecr.docker_config(host, settings).detail == "~/.docker/config.json written"
    expected = [REGISTRY, f"{REGISTRY}/galos-sync", f"{REGISTRY}/team/other"]
    [text] = host.files().values()
    assert json.loads(text) == {"credHelpers": dict.fromkeys(expected, "ecr-login")}
    assert host.path(ecr.DOCKER_CONFIG).stat().st_mode & 0o777 == 0o600
    inode = host.path(ecr.DOCKER_CONFIG).stat().st_ino
    assert ecr.docker_config(host, settings).detail == "~/.docker/config.json unchanged"
    assert host.path(ecr.DOCKER_CONFIG).stat().st_ino == inode


def test_what_others_wrote_is_kept_to_the_byte(host: LocalHost) -> None:
    text = '{\r\n  "auths": {"q": {"auth": "eA=="}},\r\n  "credsStore": "é"\r\n}'
    host.put(ecr.DOCKER_CONFIG, text)
    ecr.docker_config(host, Settings(services={}))
    added = f',\r\n  "credHelpers": {{\r\n    "{REGISTRY}": "ecr-login"\r\n  }}\r\n}}'
    indented = text.replace('{"q": {"auth": "eA=="}}', '{\r\n    "q": {\r\n      "auth": "eA=="\r\n    }\r\n  }')
    assert host.files() == {ecr.DOCKER_CONFIG: indented.removesuffix("\r\n}") + added}
