"""docs/tutorial.md, typed from its first command to its last: what it shows is what a person sees."""

from __future__ import annotations

import shlex

import pytest

from tests.integration.conftest import Operator
from tests.transcripts import transcripts


@pytest.mark.violates(
    "checked", "another release than the one that failed to migrate is deployed, which had nothing pending"
)
def test_the_tutorial_shows_what_happens(bare: Operator) -> None:
    bare.host.shell("apt-get purge -qy amazon-ecr-credential-helper")
    codes: list[int] = []
    for typed in transcripts("docs/tutorial.md"):
        words = shlex.split(typed.command)
        if words[:2] == ["fab", "sandbox.publish"]:
            bare.sandbox.publish(words[2])
        elif words[0] == "galos":
            result = bare(*words[1:])
            wrong = typed.wrong(result.stdout + result.stderr)
            assert not wrong, wrong
            codes.append(result.returncode)
    assert [code for code in codes if code] == [5, 6, 6, 7]
