import base64
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from galos_ops.compose import Flavour
from galos_ops.errors import NotReadyError
from galos_ops.facts import Container, Facts, parse, probe, require, tagged


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


CONFIG = "services:\n  galos-sync:\n    image: registry/galos-sync:latest\n  db: {image: postgres}\n"
OUTPUT = "\n".join(
    (
        "directory\t/srv/galos",
        "directory\t/data/galos",
        "engine\t26.1.5",
        "flavour\tdocker-compose 2.26.1-4",
        "compose_file\tdocker-compose.yml",
        "environment\t0123abcd  -",
        f"config\t{packed(CONFIG)}",
        "container\tc1 sha256:aa running 0 /root-galos-sync-1 galos-sync False root /data/galos",
        "container\tc2 sha256:bb exited 3 /galos-sync-migration galos-sync True root /data/galos",
        "container\tc3 sha256:cc running 0 /other - - - -",
        "container\tc4 sha256:dd running 0 /else-galos-sync-1 galos-sync False else /srv/else where",
        "image\tregistry/galos-sync:latest sha256:aa",
        "passed\tgalos-sync 99ff",
    )
)


def test_every_line_of_the_probe_becomes_a_fact() -> None:
    facts = parse(OUTPUT)
    assert facts.directories == ("/srv/galos", "/data/galos")
    assert facts.flavour == Flavour("docker-compose", (2, 26, 1))
    assert facts.environment == "0123abcd"
    assert facts.services() == {"galos-sync": "registry/galos-sync:latest", "db": "postgres:latest"}
    assert facts.images == {"registry/galos-sync:latest": "sha256:aa"}
    assert facts.passed == {"galos-sync": "99ff"}
    assert facts.of("galos-sync") == [
        Container("c1", "sha256:aa", "running", 0, "root-galos-sync-1", "galos-sync", False, "root", "/data/galos")
    ]
    assert [one.name for one in facts.strangers("galos-sync")] == ["else-galos-sync-1"]
    migrator = facts.named("galos-sync-migration")
    assert migrator is not None
    assert not migrator.alive
    assert facts.named("galos-sync") is None


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ("", ["one", "two"]),  # compose v1 does not tell its project's name
        ("name: one\n", ["one"]),
        ('name: "1"\n', []),
        ("services:\n  name: two\n", ["one", "two"]),
    ],
)
def test_a_container_of_another_project_in_the_same_directory_is_a_stranger(config: str, names: list[str]) -> None:
    containers = (Container("c", "i", "running", 0, name, "s", False, name, "/d") for name in ("one", "two"))
    facts = Facts(directories=("/d",), config=config, containers=tuple(containers))
    assert [one.name for one in facts.of("s")] == names
    assert {one.name for one in facts.strangers("s")} == {"one", "two"} - set(names)


@pytest.mark.parametrize("noise", ["Last login: yesterday", "container\tc1 sha256:aa"])
def test_what_the_probe_does_not_print_is_not_taken_for_a_fact(noise: str) -> None:
    with pytest.raises(ValueError, match=r"line of the probe|not enough values"):
        parse(OUTPUT + "\n" + noise)


@pytest.mark.parametrize(
    ("state", "alive"),
    [("running", True), ("restarting", True), ("paused", True), ("exited", False), ("created", False), ("dead", False)],
)
def test_a_container_is_alive_unless_docker_says_it_ended(state: str, alive: bool) -> None:
    assert Container("c", "i", state, 0, "n", "s", False, "p", "/").alive is alive


def test_the_key_of_a_clean_answer_changes_with_everything_it_depends_on() -> None:
    facts = parse(OUTPUT)
    keys = {
        facts.key("sha256:aa", "spec"),
        facts.key("sha256:bb", "spec"),
        facts.key("sha256:aa", "other"),
        replace(facts, environment="x").key("sha256:aa", "spec"),
        replace(facts, config="x").key("sha256:aa", "spec"),
    }
    assert len(keys) == 5
    assert facts.key("sha256:aa", "spec") == parse(OUTPUT).key("sha256:aa", "spec")


@pytest.mark.parametrize(
    ("facts", "sentence", "hint"),
    [
        (Facts(), "h: the directory ~ is not there.", "fab -H h setup"),
        (Facts(directories=("/r",), engine_error="permission denied"), "h: the user may not use", "usermod -aG docker"),
        (
            Facts(directories=("/r",), engine_error="sh: docker: not found"),
            "h: the Docker engine does not answer.",
            "status",
        ),
        (Facts(directories=("/r",), engine="26"), "h: docker-compose is not installed.", "install"),
        (replace(parse(OUTPUT), compose_file=""), "h: there is no compose file in ~.", "fab -H h setup"),
        (replace(parse(OUTPUT), config="", config_error="bad"), "h: docker-compose cannot read its files", "setup"),
    ],
)
def test_a_host_that_is_not_ready_is_told_what_is_missing(facts: Facts, sentence: str, hint: str) -> None:
    with pytest.raises(NotReadyError) as caught:
        require("h", "~", facts)
    assert caught.value.sentence.startswith(sentence)
    assert hint in caught.value.hint
    assert caught.value.evidence in (facts.engine_error, facts.config_error)
    assert caught.value.code == 8


def test_a_ready_host_has_its_compose() -> None:
    assert require("h", "/srv", parse(OUTPUT)).directory == "/srv"


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_probe_is_plain_posix_shell(shell: str) -> None:
    checked = subprocess.run(
        [shell, "-n"], input=probe(["a/b:c"], "~/it's"), text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_probe_tells_nothing_about_a_directory_that_is_not_there(tmp_path: Path) -> None:
    script = probe([], str(tmp_path / "nowhere"))
    told = subprocess.run(["sh", "-c", script], text=True, capture_output=True, check=True)
    facts = parse(told.stdout)
    assert (facts.directories, facts.compose_file, facts.config, facts.config_error) == ((), "", "", "")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("host:5000/a/b", "host:5000/a/b:latest"),
        ("host:5000/a/b:v1", "host:5000/a/b:v1"),
        ("a@sha256:00", "a@sha256:00"),
        ("", ""),
    ],
)
def test_a_reference_without_a_tag_means_latest(reference: str, expected: str) -> None:
    assert tagged(reference) == expected
