import pytest
import yaml

from galos_ops.compose import Compose, Flavour, render

V1, V2 = Flavour("docker-compose", (1, 29, 2)), Flavour("docker compose", (2, 26, 1))


@pytest.mark.parametrize(
    ("text", "flavour"),
    [
        ("docker-compose 1.29.2", V1),
        ("docker compose v2.26.1", V2),
        ("docker-compose 5.6.1", Flavour("docker-compose", (5, 6, 1))),
        ("docker-compose 2.26.1-4", Flavour("docker-compose", (2, 26, 1))),
        ("docker-compose unknown", None),
        ("", None),
    ],
)
def test_the_flavour_is_read_from_its_version(text: str, flavour: Flavour | None) -> None:
    assert Flavour.of(text) == flavour


def test_v1_gets_no_flag_that_it_does_not_know() -> None:
    assert Compose(V1, "~").up(["a"]) == "docker-compose up -d a"
    assert Compose(V2, "~").up(["a"]) == "docker compose up -d --pull never a"


def test_words_are_quoted() -> None:
    compose = Compose(V2, "~/it's here")
    assert compose.run("a", "a-migration", ["sh", "-c", "x; y"]) == (
        "docker compose run --no-deps -T --name a-migration --entrypoint sh a -c 'x; y'"
    )
    assert compose.here("true") == "cd \"$HOME\"/'it'\"'\"'s here' || exit 1\ntrue"


def test_the_other_verbs() -> None:
    compose = Compose(V1, "~")
    assert compose.pull(["a", "b"]) == "docker-compose pull a b"
    assert compose.start(["a"]) == "docker-compose start a"
    assert compose.stop(["a"]) == "docker-compose stop a"
    assert compose.remove("a") == "docker-compose rm -s -f a"
    assert compose.down() == "docker-compose down"
    assert compose.logs(["a"], tail=5, follow=True) == "docker-compose logs --no-color --tail=5 -f a"


def test_a_rendered_compose_file_hands_env_to_the_container() -> None:
    tree = yaml.safe_load(render({"galos-sync": "registry/galos-sync:latest"}))
    row = tree["services"]["galos-sync"]
    assert row["image"] == "registry/galos-sync:latest"
    assert row["env_file"] == ".env"
    assert row["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
