"""The .env from a command, and from the parameter store of the sandbox's AWS account."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sandbox.aws import EVERYTHING, PULL_ONLY, PULLER
from sandbox.sandbox import Sandbox
from tests.integration.conftest import Operator

URL = "postgresql://galos:hunter22@db:5432/galos"


@pytest.fixture
def path(sandbox: Sandbox) -> Iterator[str]:
    """A path of the parameter store that the local profile may read, with two parameters."""
    path, kept = "/galos/production", {"DATABASE_URL": URL, "API_TOKEN": "verysecretthing"}
    names = [f"{path}/{name}" for name in kept]
    for name, value in zip(names, kept.values(), strict=True):
        sandbox.call_aws("ssm", "put_parameter", Name=name, Value=value, Type="SecureString")
    allow(sandbox, EVERYTHING)
    try:
        yield path
    finally:
        allow(sandbox, PULL_ONLY)
        for name in names:
            sandbox.call_aws("ssm", "delete_parameter", Name=name)


def allow(sandbox: Sandbox, policy: dict[str, object]) -> None:
    document = json.dumps(policy)
    sandbox.call_aws("iam", "put_user_policy", UserName=PULLER, PolicyName="sandbox", PolicyDocument=document)


def test_the_parameter_store_is_compared_and_merged_as_a_file_is(bare: Operator, path: str) -> None:
    file = bare.configured({"env_command": f"ssm:{path}"})
    bare.host.shell("printf 'KEPT=1\\nAPI_TOKEN=old\\n' >~/.env")
    told = bare.done("-f", file, "env.diff")
    assert "added: DATABASE_URL" in told
    assert "changed: API_TOKEN" in told
    told += bare.done("-f", file, "env.push")
    assert "hunter22" not in told
    assert "verysecretthing" not in told
    assert bare.host.shell("cat ~/.env; stat -c %a ~/.env") == (
        f"KEPT=1\nAPI_TOKEN=verysecretthing\nDATABASE_URL={URL}\n600"
    )
    assert "= env.push" in bare.done("-f", file, "env.push")
    assert "nothing under /nowhere" in bare.refused(
        8, "-f", bare.configured({"env_command": "ssm:/nowhere"}), "env.push"
    )


def test_a_parameter_may_be_a_whole_env(bare: Operator, sandbox: Sandbox, path: str) -> None:
    name, text = f"{path}/whole/env", f"DATABASE_URL={URL}\nA=1\n"
    sandbox.call_aws("ssm", "put_parameter", Name=name, Value=text, Type="SecureString")
    try:
        bare.done("-f", bare.configured({"env_command": f"ssm:{name}"}), "env.push")
    finally:
        sandbox.call_aws("ssm", "delete_parameter", Name=name)
    assert bare.host.shell("cat ~/.env") == text.strip()


def test_a_profile_that_may_not_read_it_is_told_so(bare: Operator, sandbox: Sandbox, path: str) -> None:
    allow(sandbox, PULL_ONLY)
    told = bare.refused(8, "-f", bare.configured({"env_command": f"ssm:{path}"}), "env.diff")
    assert "the default AWS profile (ssm:GetParametersByPath)." in told


def test_a_command_is_pushed_and_one_that_fails_changes_nothing(bare: Operator) -> None:
    printing = bare.configured({"env_command": f"echo 'DATABASE_URL={URL}'"})
    told = bare.done("-f", printing, "env.push")
    assert "hunter22" not in told
    assert bare.host.shell("cat ~/.env") == f"DATABASE_URL={URL}"
    before = bare.host.shell("ls -lA --time-style=full-iso ~ ~/.aws ~/.docker 2>/dev/null || true")
    failing = bare.configured({"env_command": "echo X=1; exit 3"})
    for task in ("env.diff", "env.push", "setup"):
        assert "galos.env_command failed (exit 3); nothing was sent." in bare.refused(1, "-f", failing, task)
    assert bare.host.shell("ls -lA --time-style=full-iso ~ ~/.aws ~/.docker 2>/dev/null || true") == before
