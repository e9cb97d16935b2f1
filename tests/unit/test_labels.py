"""What an image says of its making."""

from __future__ import annotations

import pytest

from galos_ops.engines.images.labels import Made, change, made
from tests.unit.fake_host import FakeHost, said

A, B, C = ("sha256:" + letter * 64 for letter in "abc")


def test_what_images_say_is_read_by_their_ids_and_an_image_that_is_gone_says_nothing() -> None:
    host, asked = FakeHost(), []
    answer = said(f"{A}\t1.4\tabcdef0123456789\n{B}\t\t<no value>\n")
    host._execute = lambda command, *_: asked.append(command) or answer  # type: ignore[method-assign, func-returns-value]
    assert made(host, [A, B, C, ""]) == {A: Made("1.4", "abcdef0123456789"), B: Made()}
    names = [f'index .Config.Labels "org.opencontainers.image.{name}"' for name in ("version", "revision")]
    assert [asked[0].count(name) for name in names] == [1, 1]
    assert made(FakeHost(), [""]) == {}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (Made("1.3", "a" * 40), Made("1.4", None), f"1.3 {'a' * 12} → 1.4"),
        (Made("1.3"), None, "1.3 → ?"),
        (Made("1.3"), Made(), "1.3"),
        (None, Made("1.4"), "1.4"),
        (Made(), Made(), ""),
        (None, None, ""),
    ],
)
def test_a_change_is_from_what_to_what(before: Made | None, after: Made | None, words: str) -> None:
    assert change(before, after) == words
