from __future__ import annotations

import shlex
from typing import Any

import pytest
from fabric import Config, Connection

from galos_ops.config.command_line import CommandLine
from galos_ops.host.resolving import address
from galos_ops.tasks import deploy, typed

TYPED = CommandLine("ann@galos-1:2222", "deploy", {"service": "galos-map", "tag": "v2"}, ("-S", "a b"), ("-F", "a b"))


@pytest.mark.parametrize(
    ("task", "options", "command"),
    [
        ("deploy", {}, "fab -S 'a b' -H ann@galos-1:2222 deploy --service galos-map --tag v2"),
        ("deploy", {"wait": 600}, "fab -S 'a b' -H ann@galos-1:2222 deploy --service galos-map --tag v2 --wait 600"),
        ("deploy", {"tag": "TAG"}, "fab -S 'a b' -H ann@galos-1:2222 deploy --service galos-map --tag TAG"),
        ("pending", {}, "fab -S 'a b' -H ann@galos-1:2222 pending --service galos-map"),
        ("doctor", {"fix": True}, "fab -S 'a b' -H ann@galos-1:2222 doctor --service galos-map --fix"),
        ("deploy", {"service": "galos-sync"}, "fab -S 'a b' -H ann@galos-1:2222 deploy --service galos-sync"),
        ("setup", {}, "fab -S 'a b' -H ann@galos-1:2222 setup"),
    ],
)
def test_a_next_command_keeps_what_was_typed(task: str, options: dict[str, Any], command: str) -> None:
    assert TYPED.fab(task, **options) == command


def test_a_value_with_a_quote_is_one_word() -> None:
    nasty = CommandLine("h; reboot", "rollback", {"to": "'; reboot #"})
    assert shlex.split(nasty.again()) == ["fab", "-H", "h; reboot", "rollback", "--to", "'; reboot #"]


def test_inv_has_no_hosts() -> None:
    assert CommandLine("galos-1", "deploy", program="inv").fab("pending") == "inv pending"


@pytest.mark.parametrize(
    ("host", "name", "ssh"),
    [
        ("galos-1", "galos-1", "ssh galos-1"),
        ("ann@galos-1", "galos-1", "ssh ann@galos-1"),
        ("ann@galos-1:2222", "galos-1", "ssh -p 2222 ann@galos-1"),
        ("galos-1:2222", "galos-1", "ssh -p 2222 galos-1"),
        ("ann@2001:db8::1", "2001:db8::1", "ssh ann@2001:db8::1"),
    ],
)
def test_ssh_gets_the_account_and_the_port(host: str, name: str, ssh: str) -> None:
    assert (CommandLine(host).name, CommandLine(host).ssh()) == (name, ssh)
    assert CommandLine(host).ssh("docker ps") == f"{ssh} 'docker ps'"


def test_a_template_is_filled_in() -> None:
    text = "{host}: {fab:doctor --fix}, then: {fab:deploy --tag TAG}, then: {ssh:chmod 600 {env}}"
    assert CommandLine("ann@box").fill(text, env="'a b'/.env") == (
        "box: fab -H ann@box doctor --fix, then: fab -H ann@box deploy --tag TAG, then: "
        + shlex.join(["ssh", "ann@box", "chmod 600 'a b'/.env"])
    )


def test_options_are_those_that_were_given() -> None:
    given = {"service": None, "tag": "v2", "wait": None, "json": True, "dry_run": True}
    assert typed.options(deploy.body, (), given) == {"tag": "v2"}
    assert typed.options(deploy.body, ("galos-map",), {}) == {"service": "galos-map"}


@pytest.mark.parametrize("word", ["galos-1", "ann@galos-1", "galos-1:2222", "ann@galos-1:2222"])
def test_a_connection_is_named_as_it_was_made(word: str) -> None:
    assert address(Connection(word, config=Config(overrides={"user": "me"}))) == word
