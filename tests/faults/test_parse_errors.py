"""A .env that docker-compose cannot read, or reads in its own way: it quotes the file, and we do not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.integration.conftest import REFERENCE, Operator

SECRETS = ("s3cret", "hunter2")
FILES = {
    "a quote without an end": 'PASSWORD="s3cret-hunter2\n',
    "a quote without an end, over lines": "PASSWORD='first\nhunter2 and s3cret\nthird\n",
    "a space in a name": "MY s3cret=hunter2\n",
    "a stray line": "s3cret hunter2!\n",
    "a stray word": "s3cret!hunter2\n",
    "an export without a name": "export s3cret-hunter2 =x\n",
    "a variable that must be set": "PASSWORD=${NOBODY_SET_IT?s3cret hunter2}\n",
    "a brace without an end": "PASSWORD=x${s3cret_hunter2\n",
    "a value without a name": "=s3cret-hunter2\n",
}
COMPOSE = f"services:\n  galos-sync:\n    image: {REFERENCE}:{{tag}}\n    env_file: {{env}}\n"
CONFIG = "cd && docker-compose config 2>&1 >/dev/null"


@pytest.fixture
def prepared(any_compose: Operator) -> Iterator[Operator]:
    """An operator at a host with a registry that lets it in, and a `.env` of a test's own."""
    any_compose.done("ecr.credentials", "ecr.region", "ecr.docker-config")
    yield any_compose
    any_compose.host.shell("rm -rf ~/settings")


def place(operator: Operator, name: str, text: str) -> None:
    operator.host.execute(["sh", "-c", f"mkdir -p $(dirname ~/{name}) && cat >~/{name}"], stdin=text)


def shown(operator: Operator, *words: str) -> str:
    """All that a task shows, with `fab -d` too; without a traceback, and a document where there is one."""
    result = operator("-d", *words)
    assert result.returncode in (0, 1, 5, 7, 8), result.stdout + result.stderr
    assert not re.search(r"^Traceback", result.stderr, re.MULTILINE)  # v1 has some of its own, which are evidence
    if "--json" in words:
        json.loads(result.stdout)
    return result.stdout + result.stderr


def test_no_error_of_docker_compose_shows_a_value_of_env(prepared: Operator) -> None:
    place(prepared, "docker-compose.yml", COMPOSE.format(tag="latest", env=".env"))
    quoted = []
    for name, text in FILES.items():
        place(prepared, ".env", f"DATABASE_URL={prepared.sandbox.database_url()}\n{text}")
        quoted += [name for secret in SECRETS if secret in prepared.host.shell(CONFIG, check=False)]
        told = shown(prepared, "deploy", "--json")
        for secret in (*SECRETS, prepared.sandbox.keys.password):
            assert secret not in told, f"{name}: {told}"
    assert quoted or prepared.host.compose == "v1", "docker-compose itself quotes none of these files"


def test_no_other_task_shows_one(prepared: Operator) -> None:
    place(prepared, "docker-compose.yml", COMPOSE.format(tag="latest", env=".env"))
    place(prepared, ".env", FILES["a quote without an end"])
    told = "".join(shown(prepared, *words) for words in (("status", "--json"), ("doctor",), ("logs",), ("down",)))
    assert not [secret for secret in SECRETS if secret in told], told


def test_a_file_of_another_name_is_no_other_thing(prepared: Operator) -> None:
    place(prepared, ".env", f"DATABASE_URL={prepared.sandbox.database_url()}\n")
    place(prepared, "docker-compose.yml", COMPOSE.format(tag="latest", env="[.env, settings/base, settings/more]"))
    place(prepared, "settings/base", "A=1\n")
    for text in ('PASSWORD="s3cret-hunter2\n', "s3cret hunter2=1\n"):
        place(prepared, "settings/more", text)
        told = shown(prepared, "deploy")
        assert not [secret for secret in SECRETS if secret in told], told


def test_the_warnings_of_a_failing_step_do_not_show_the_rest_of_a_password(prepared: Operator) -> None:
    """v2 takes what follows a `$` for a variable, and says that it is not set, each time that it is called."""
    place(prepared, ".env", f"DATABASE_URL={prepared.sandbox.database_url()}\nPASSWORD=s3cret$q9z\n")
    place(prepared, "docker-compose.yml", COMPOSE.format(tag="never-pushed", env=".env"))
    config = prepared.configured({"services": {"galos-sync": {"tag": "never-pushed"}}})
    told = shown(prepared, "-f", config, "deploy")
    assert "could not pull" in told
    assert not re.search(r"s3cret|\bq9z\b", told), told
