from pathlib import Path
from typing import Any

import pytest
import yaml

from galos_ops.config.loading import checked, configuration, defaults, faults, overlay
from galos_ops.config.settings import Settings, examine
from galos_ops.diagnostics.condition import Subject
from galos_ops.diagnostics.conditions.keys import registry_region
from galos_ops.errors import UsageError

ROOT = Path(__file__).parents[2]


def test_fabfile_names_every_key_with_its_default() -> None:
    assert yaml.safe_load((ROOT / "fabfile.yml").read_text())["galos"] == defaults()


def test_defaults_are_valid_and_describe_the_runbooks_service() -> None:
    settings = Settings.of(defaults())
    image = "261923651564.dkr.ecr.eu-central-1.amazonaws.com/galos-sync:latest"
    assert settings.image(settings.services["galos-sync"]) == image


def test_an_empty_tree_is_the_defaults() -> None:
    assert Settings.of({}) == Settings.of(defaults())


def test_rows_of_a_file_replace_the_default_table_and_get_every_key() -> None:
    tree = overlay({"services": {"web": {"tag": "stable"}}})
    assert list(tree["services"]) == ["web"]
    assert tree["services"]["web"]["migration"]["timeout"] == 3600
    service = Settings.of(tree).services["web"]
    assert (service.repository, service.tag, service.migration.service) == ("web", "stable", "web")


@pytest.mark.parametrize(
    ("tree", "sentence", "hint"),
    [
        ({"engin": "compose"}, "galos.engin is not a known key.", "did you mean galos.engine?"),
        ({"ecr": {"regoin": "x"}}, "galos.ecr.regoin is not a known key.", "did you mean galos.ecr.region?"),
        ({"services": {"a": {"migration": {"tol": 1}}}}, "galos.services.a.migration.tol is not a known key.", "tool?"),
        ({"zzz": 1}, "galos.zzz is not a known key.", "known keys: engine, "),
        ({"verify": {"seconds": "5"}}, "galos.verify.seconds must be a whole number, not text.", ""),
        ({"verify": {"seconds": True}}, "galos.verify.seconds must be a whole number, not true or false.", ""),
        ({"verify": {"seconds": -1}}, "galos.verify.seconds is -1; it must be at least 0.", ""),
        ({"verify": 5}, "galos.verify must be a mapping, not a whole number.", ""),
        ({"services": []}, "galos.services must be a mapping, not a list.", ""),
        ({"services": {}}, "galos.services is empty.", "add a row"),
        ({"engine": "podman"}, "galos.engine is 'podman'; it must be one of: compose, swarm.", ""),
        ({"directory": "srv"}, "galos.directory is 'srv'; it must be a path in one line that starts with / or ~/.", ""),
        ({"directory": "~bob/x"}, "galos.directory is '~bob/x'; it must be a path in one line", ""),
        ({"env_file": ""}, "galos.env_file is ''; it must be the path of a file.", ""),
        ({"env_file": None}, "galos.env_file must be text, not empty.", ""),
        ({"ecr": {"registry": "docker.io"}}, "galos.ecr.registry is 'docker.io'; it must be ECR's, such as", ""),
        ({"ecr": {"region": "Frankfurt"}}, "galos.ecr.region is 'Frankfurt'; it must be an AWS region", ""),
        ({"services": {"a b": {}}}, "galos.services.a b is 'a b'; it must be a compose service name.", ""),
        ({"services": {"a": {"tag": "x;y"}}}, "galos.services.a.tag is 'x;y'; it must be a Docker tag.", ""),
        ({"services": {"a": {"migration": {"tool": "command"}}}}, "needs both check and run", ""),
        ({"services": {"a": {"migration": {"check": "x"}}}}, "check and run are for tool command, not sqlx", ""),
        (
            {"services": {"web": {"migration": {"stops": ["wep"]}}}},
            "galos.services.web.migration.stops names 'wep', which is no service of galos.services.",
            "did you mean web?",
        ),
        ({"services": {"a": {"migration": {"stops": "b"}}}}, "galos.services.a.migration.stops must be a list", ""),
        ({"services": {"a": {"migration": {"stops": [1]}}}}, "migration.stops[0] must be text, not a whole number", ""),
        ({"services": {"a": {"migration": {"arguments": "'"}}}}, "galos.services.a.migration.arguments", ""),
    ],
)  # fmt: skip
def test_a_bad_key_is_named_in_full(tree: dict[str, Any], sentence: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.of(tree)
    assert sentence in caught.value.sentence
    assert hint in caught.value.hint
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("registry", "region"),
    [
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "eu-central-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr-ecr.eu-central-1.on.aws", "eu-central-1"),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws", "us-east-1"),
        ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1"),
    ],
)
def test_dual_stack_and_fips_hosts_of_ecr_are_its_registries(registry: str, region: str) -> None:
    settings = Settings.of({"ecr": {"registry": registry, "region": region}})
    assert registry_region(Subject(settings, "galos-sync")) is None
    assert registry_region(Subject(Settings.of({"ecr": {"registry": registry, "region": "eu-west-3"}}), "galos-sync"))


@pytest.mark.parametrize(
    "registry",
    [
        "123456789012.dkr-ecr.eu-central-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-central-1.on.aws",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/galos",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example",
        "public.ecr.aws",
        "ghcr.io",
    ],
)
def test_another_registry_is_refused_with_what_it_would_need(registry: str) -> None:
    with pytest.raises(UsageError, match="another one would need a login and a helper of its own"):
        Settings.of({"ecr": {"registry": registry}})


def test_a_row_of_the_default_table_keeps_what_a_file_does_not_say() -> None:
    migration = Settings.of(overlay({"services": {"galos-sync": {"tag": "v2"}}})).services["galos-sync"].migration
    assert migration.arguments == "--source galos_db/migrations"


def test_an_unknown_service_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="No service is named 'galos-snyc'") as caught:
        Settings().chosen("galos-snyc")
    assert "galos-sync" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("- a", "must be a mapping, not a list"),
        ("galos: 5", "must be a mapping, not a whole number"),
        pytest.param("galos: {services: {a: {tag: 2024-31-12}}}", "is not YAML", id="no such date"),
        pytest.param("a: " + "[" * 3000 + "]" * 3000, "is not YAML", id="deep"),
        ("a: &a [*a]", "is not YAML"),
        ("1: x", "has the key 1, which is a whole number"),
        ("galos: {services: {true: {}}}", r"has the key galos\.services\.True, which is true or false"),
        ("run: [{2024-01-01: x}]", r"has the key run\.0\.2024-01-01, which is date"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "fabfile.yml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        configuration(path)
    assert str(path) in caught.value.sentence


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*nowhere\.yml: No such file"):
        configuration(tmp_path / "nowhere.yml")


def test_keys_of_fabric_pass_through(tmp_path: Path) -> None:
    path = tmp_path / "fabfile.yml"
    path.write_text("timeouts: {connect: 3}\ngalos: {verify: {seconds: 1}}")
    tree = configuration(path)
    assert tree["timeouts"] == {"connect": 3}
    assert tree["galos"]["verify"] == {"seconds": 1}
    assert tree["galos"]["releases"] == {"keep": 5}


@pytest.mark.parametrize(
    ("name", "sentence", "hint"),
    [
        ("FABRIC_GALOS_ENVFILE", "FABRIC_GALOS_ENVFILE is the variable of no known key.", "FABRIC_GALOS_ENV_FILE?"),
        ("FABRIC_GALOS_SERVICES_GALOS_SYNC_TAG", "is the variable of no known key.", "GALOS-SYNC_TAG?"),
    ],
)
def test_a_variable_that_means_nothing_is_named(name: str, sentence: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked(defaults(), {name: "x"})
    assert sentence in caught.value.sentence
    assert hint in caught.value.hint


@pytest.mark.parametrize("tree", [defaults(), {}], ids=["of a fabfile", "of a program without one"])
def test_variables_of_known_keys_and_of_fabric_pass(tree: dict[str, Any]) -> None:
    known = {"FABRIC_GALOS_VERIFY_SECONDS": "3", "FABRIC_GALOS_ECR_PROFILE": "x", "FABRIC_RUN_ECHO": "1", "PATH": "/"}
    assert checked(tree, known) == Settings.of({})


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("007", 7), ("-1", -1)])
def test_a_variable_makes_a_whole_number_of_one(text: str, number: int) -> None:
    assert type(defaults()["verify"]["seconds"])(text) == number


@pytest.mark.parametrize("text", ["abc", "", "1.5", "1_0", "９", "9" * 10])
def test_a_variable_that_is_no_number_stays_text_for_the_check_to_tell(text: str) -> None:
    seconds = type(defaults()["verify"]["seconds"])(text)
    assert [fault.sentence for fault in examine({"verify": {"seconds": seconds}})[1]] == [
        "galos.verify.seconds must be a whole number, not text."
    ]


def test_all_faults_are_found_at_once_and_a_default_in_a_faulty_place_makes_no_further_one() -> None:
    row = {"tag": "x;y", "migration": {"tool": "comand", "check": "a", "run": "b", "timeout": 0}}
    tree = {"engin": 1, "directory": "srv", "verify": {"seconds": "x"}, "services": {"a": row}}
    found = [(fault.key, fault.error.sentence) for fault in faults(tree, {"FABRIC_GALOS_X": "1"})]
    assert [key for key, _ in found] == [
        "FABRIC_GALOS_X",
        "galos.engin",
        "galos.verify.seconds",
        "galos.services.a.migration.tool",
        "galos.directory",
        "galos.services.a.tag",
        "galos.services.a.migration.timeout",
    ]
    assert all(sentence.startswith(key) for key, sentence in found)
