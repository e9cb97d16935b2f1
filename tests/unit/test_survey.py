import base64
import json
import subprocess
from typing import Any

import pytest

from galos_ops.errors import NotReadyError
from galos_ops.survey import (
    Disk,
    Lock,
    Registry,
    clock_difference,
    digests,
    holder,
    look,
    moment,
    parse,
    registry,
    script,
)
from tests.unit.fake_host import FakeHost, said

REFERENCE = "1.dkr.ecr.eu-central-1.amazonaws.com/galos-sync:latest"
REFUSED = "a\nno such manifest"
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def manifest(*found: str, os: str = "linux") -> str:
    rows = [{"Ref": "x", "Descriptor": {"digest": one, "platform": {"os": os}}} for one in found]
    return json.dumps(rows[0] if len(rows) == 1 else rows)


def test_the_script_is_one_that_a_posix_shell_can_read() -> None:
    subprocess.run(["dash", "-n"], input=script([REFERENCE, "b:v1"], "~/it's here"), text=True, check=True)


def test_without_an_engine_the_rest_is_told_all_the_same() -> None:
    df = "/dev/vda  {} 500 250 67% /srv/my disk"
    lines = [
        "time\t1000", "engine_error\t", "helper\tthere",
        f"disk\t{packed('/srv')} {packed(df.format(1000))} {packed(df.format(2000))}",
        f"disk\t{packed('/srv/on')} {packed(df.format(1000))} {packed('')}",
        f"registry\t{REFERENCE} 1 {packed(REFUSED)}", f"helper_error\t{packed('')}",
    ]  # fmt: skip
    seen = parse("\n".join(lines), 999.0, 1001.0)
    assert (seen.difference, seen.lock, seen.helper, seen.containers) == (0, Lock(False), True, {})
    assert seen.disks == (Disk("/srv/on", 1024_000, 256_000, None, None),)
    assert seen.registry == {REFERENCE: Registry("unknown", reason="no such manifest")}


@pytest.mark.parametrize("output", ["", "time\tnow", "welcome\n", "time\t1\ndisk\tAA=="])
def test_what_the_script_does_not_print_is_the_shells_noise(output: str) -> None:
    with pytest.raises(NotReadyError, match="start-up file"):
        look(FakeHost({script([REFERENCE], "~"): said(output)}), [REFERENCE], "~")


@pytest.mark.parametrize(("told", "ahead"), [(100, 0), (101, 0), (102, 0), (99, 0), (98, -1), (105, 3), (40, -59)])
def test_a_clock_is_off_by_what_the_round_trip_cannot_explain(told: int, ahead: int) -> None:
    assert clock_difference(told, 100.2, 102.4) == ahead


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"user": ["x"], "task": 5}', "null"])
def test_a_holder_that_nobody_can_read_still_holds(text: str) -> None:
    assert holder(text) == Lock(True)


def test_a_holder_says_who_it_is() -> None:
    told: dict[str, Any] = {
        "user": "ann",
        "machine": "laptop",
        "task": "deploy",
        "since": "2026-01-01T00:00:00+00:00",
        "run": None,
    }
    assert holder(json.dumps(told | {"more": 1})) == Lock(True, **told)


@pytest.mark.parametrize(
    ("code", "answer", "own", "error", "expected"),
    [
        (0, manifest(A), [manifest(A)], "", Registry("newest", A)),
        (0, manifest(B), [manifest(A)], "", Registry("newer", B)),
        (0, manifest(A, B), [manifest(B), manifest(A, B)], "", Registry("newest", A)),
        (0, manifest(A, B), [manifest(A)], "", Registry("newer", A)),
        (0, manifest(A), [], "", Registry("newer", A)),
        (0, manifest(A), [""], "an old token", Registry("newer", A)),
        (0, "[]", [""], "", Registry("unknown", reason="the registry's answer is not a manifest")),
        (0, "gibberish", ["gibberish"], "", Registry("unknown", reason="the registry's answer is not a manifest")),
        (1, "no such manifest", [], "AccessDenied", Registry("unknown", reason="AccessDenied")),
        (1, "", [], "", Registry("unknown", reason="docker manifest inspect ended with exit 1")),
        (124, "", [], "", Registry("unknown", reason="no answer after 20 s")),
    ],
)
def test_newest_is_what_the_registry_says_of_the_tag_and_of_our_digest_alike(
    code: int, answer: str, own: list[str], error: str, expected: Registry
) -> None:
    assert registry(code, answer, own, error) == expected


def test_an_attestation_is_never_the_image_of_a_list() -> None:
    both: list[Any] = [json.loads(manifest(B, os="unknown")), json.loads(manifest(A))]
    assert digests(json.dumps(both)) == [A, B]
    assert digests('{"Descriptor": {"digest": "\\u001b[2J"}}') == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T20:14:15.123456789Z", "2026-11-23T20:14:15+00:00"),
        ("2026-11-23T22:14:15+02:00", "2026-11-23T20:14:15+00:00"),
        ("0001-01-01T00:00:00Z", None), ("", None), (None, None), ("yesterday", None),
    ],
)  # fmt: skip
def test_dockers_times_are_told_in_utc(text: str | None, expected: str | None) -> None:
    assert moment(text) == expected
