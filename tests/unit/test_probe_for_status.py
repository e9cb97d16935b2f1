import base64
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest

from galos_ops.engines.snapshot.probe import STATUS, Scope, gather
from galos_ops.engines.snapshot.probe_output import clock_difference, moment, parse
from galos_ops.engines.snapshot.registry import Registry, digests
from galos_ops.engines.snapshot.registry import compared as registry
from galos_ops.engines.snapshot.snapshot import FREE, FreeSpace, Snapshot
from galos_ops.host import lock
from galos_ops.host.holder import LockState, holder
from galos_ops.host.host import Host
from galos_ops.host.release_log import parse as releases
from galos_ops.provisioning import ecr
from tests.unit.local_host import LocalHost, Reply
from tests.unit.test_probe import CREATED, IMAGE_ASKED, with_compose, with_docker
from tests.unit.test_releases import V1, V2

REFERENCE = "1.dkr.ecr.eu-central-1.amazonaws.com/galos-sync:latest"
REFUSED = "a\nno such manifest"
A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


LOG = "~/.galos-ops/releases.jsonl"


def look(host: Host, references: list[str], directory: str) -> Snapshot:
    scope = Scope(tuple(references), directory, {f"{directory}/.galos-ops/releases.jsonl": "tail -n 2"})
    return gather(host, STATUS, scope)


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def manifest(*found: str, os: str = "linux") -> str:
    rows = [{"Ref": "x", "Descriptor": {"digest": one, "platform": {"os": os}}} for one in found]
    return json.dumps(rows[0] if len(rows) == 1 else rows)


def test_without_an_engine_the_rest_is_told_all_the_same() -> None:
    df = "/dev/vda  {} 500 250 67% /srv/my disk"
    lines = [
        "time\t1000", "engine_error\t", "store\tecr-login",
        f"disk\t{packed('/srv')} {packed(df.format(1000))} {packed(df.format(2000))}",
        f"disk\t{packed('/srv/on')} {packed(df.format(1000))} {packed('')}",
        f"registry\t{REFERENCE} 1 {packed(REFUSED)}", f"helper_error\t{packed('')}",
    ]  # fmt: skip
    seen = parse("\n".join(lines), began=999.0, ended=1001.0)
    assert (seen.clock_difference, seen.lock, seen.stores, seen.containers) == (0, FREE, frozenset({"ecr-login"}), ())
    assert seen.disks == (FreeSpace("/srv/on", 1024_000, 256_000, None, None),)
    assert seen.registry == {REFERENCE: Registry("unknown", reason="no such manifest")}


@pytest.mark.parametrize("output", ["time\tnow", "welcome\n", "time\t1\ndisk\tAA=="])
def test_what_the_script_does_not_print_is_no_snapshot(output: str) -> None:
    with pytest.raises(ValueError, match=r"int\(\)|not a line|not enough"):
        parse(output)


@pytest.mark.parametrize(("told", "ahead"), [(100, 0), (101, 0), (102, 0), (99, 0), (98, -1), (105, 3), (40, -59)])
def test_a_clock_is_off_by_what_the_round_trip_cannot_explain(told: int, ahead: int) -> None:
    assert clock_difference(told, 100.2, 102.4) == ahead


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"user": ["x"], "task": 5}', "null"])
def test_a_holder_that_nobody_can_read_still_holds(text: str) -> None:
    assert LockState.of(text) == LockState(True)


def test_a_holder_says_who_it_is() -> None:
    told: dict[str, Any] = {
        "user": "ann",
        "machine": "laptop",
        "task": "deploy",
        "since": "2026-01-01T00:00:00+00:00",
        "run": None,
    }
    assert LockState.of(json.dumps(told | {"more": 1})) == LockState(True, **told)


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
        ("0001-01-01T00:00:00Z", None), ("", None), ("yesterday", None),
    ],
)  # fmt: skip
def test_dockers_times_are_told_in_utc(text: str, expected: str | None) -> None:
    assert moment(text) == expected


# --- the script, in real shells --------------------------------------------------------------------------------------

ROW = "running 0 /root-galos-sync-1 galos-sync False root"
ALL = "ps -aq --no-trunc --filter label=com.docker.compose.service"
ASKED = "manifest inspect -v "
FAILED = 'time="2026-11-23T17:12:53Z" level=error msg="Error" error="ecr: Failed to get authorization token"\n'


def with_registry(host: LocalHost, tag: Reply, digests: str = "", own: Mapping[str, Reply] | None = None) -> None:
    """A registry, what the tag's image on the host is called there, and what it answers about those names."""
    host.stubs.add("docker", {ASKED + REFERENCE: tag, IMAGE_ASKED + REFERENCE: f"{B} {CREATED} {digests}\n"})
    host.stubs.add("docker", {ASKED + name: reply for name, reply in (own or {}).items()})


def engine(host: LocalHost, root: str, *, runs: bool = True) -> None:
    """An engine with at most one container, of an image that is not the tag's, and the tag's own."""
    with_docker(host, containers=f"c1 {A} {ROW} {host.home}" if runs else "", images={REFERENCE: B})
    host.stubs.add("docker", {"info -f {{.DockerRootDir}}": f"{root}\n"})


def test_a_host_is_looked_at_in_one_round_trip(host: LocalHost) -> None:
    engine(host, "/")
    with_compose(host)
    with_registry(host, Reply(manifest(B)))
    host.stubs.program(ecr.HELPER, "exit 1")
    host.put("~/.galos-ops/releases.jsonl", "".join(json.dumps(asdict(one)) + "\n" for one in (V1, V2)))
    seen = look(host, [REFERENCE], "~")
    assert len(host.scripts) == 1
    assert seen.images == {REFERENCE: B}
    assert [one.id for one in seen.containers] == ["c1"]
    assert seen.created == {B: "2026-01-01T00:00:00+00:00"}
    assert seen.registry == {REFERENCE: Registry("newer", B)}
    assert (releases(seen.texts[LOG].value).releases, seen.stores, seen.helper_error) == (
        (V1, V2),
        frozenset({"ecr-login"}),
        "",
    )
    assert seen.clock_difference == 0  # both clocks are this machine's
    assert seen.lock == FREE
    assert str(host.home) in {disk.path for disk in seen.disks}
    assert all(0 < disk.free_bytes <= disk.size_bytes for disk in seen.disks)


OWN = f"{REFERENCE.removesuffix(':latest')}@{B}"


@pytest.mark.parametrize(
    ("digests", "tag", "own", "state"),
    [
        (OWN.replace(B, A), [A], {}, "newest"),  # the tag's answer names it: nothing more is asked
        (f"other/name@{A}", [A], {}, "newer"),  # another repository's digest says nothing about this one
        (OWN, [A], {}, "newer"),  # of one image the digest would be there
        (OWN, [A, C], {OWN: [A, C]}, "newest"),
        (OWN, [A, C], {OWN: [B, C]}, "newer"),
    ],
    ids=["named", "of another repository", "one", "list", "other list"],
)
def test_the_registry_is_asked_about_the_host_s_own_image_where_the_tag_means_a_list(
    box: LocalHost, digests: str, tag: list[str], own: dict[str, list[str]], state: str
) -> None:
    engine(box, "/", runs=False)
    with_compose(box)
    replies = {name: Reply(manifest(*found)) for name, found in own.items()}
    with_registry(box, Reply(manifest(*tag)), digests, replies)
    assert look(box, [REFERENCE], "~").registry == {REFERENCE: Registry(state, A)}


def test_a_registry_that_does_not_answer_is_waited_for_once(host: LocalHost) -> None:
    """However many services there are: a look at the host has a minute for all."""
    other = REFERENCE.replace("galos-sync", "galos-map")
    engine(host, "/", runs=False)
    with_docker(host, containers="", images={REFERENCE: B, other: A})
    with_compose(host)
    with_registry(host, Reply(exited=124), f"{REFERENCE.removesuffix(':latest')}@{A}")
    seen = look(host, [REFERENCE, other], "~")
    assert seen.registry == dict.fromkeys((REFERENCE, other), Registry("unknown", reason="no answer after 20 s"))


def test_what_the_helper_wrote_into_its_log_meanwhile_is_the_reason(host: LocalHost) -> None:
    engine(host, "/", runs=False)
    with_compose(host)
    host.put("~/.ecr/log/ecr-login.log", FAILED.replace("17:12:53", "09:00:00"))
    log = f"""cat >>"$HOME/.ecr/log/ecr-login.log" <<'END'\n{FAILED}level=info msg="nothing"\nEND\n"""
    with_registry(host, Reply("no such manifest\n", 1, effect=log))
    seen = look(host, [REFERENCE], "~")
    assert seen.helper_error == FAILED.strip()
    assert seen.registry == {REFERENCE: Registry("unknown", reason=FAILED.strip())}
    assert not seen.stores


def test_without_docker_the_rest_is_told(host: LocalHost) -> None:
    seen = look(host, [REFERENCE], "~")
    assert seen.engine == ""
    assert seen.registry[REFERENCE].state == "unknown"
    assert "No such file" in str(seen.registry[REFERENCE].reason)
    assert [disk.path for disk in seen.disks] == [str(host.home)]


def test_a_directory_that_is_not_there_has_no_disk_no_lock_and_no_log(host: LocalHost) -> None:
    seen = look(host, [REFERENCE], "~/nowhere")
    assert seen.directories == ()
    assert (seen.disks, seen.lock, seen.texts) == ((), FREE, {})


def test_who_holds_the_lock_is_told_while_it_is_held_and_no_longer(host: LocalHost) -> None:
    who = json.dumps(holder("deploy"))
    holding = host.started(f"exec sh -c {shlex.quote(lock.script('~', 0, 't0ken', who))}")
    assert holding.stdout
    assert holding.stdout.readline() == b"held\n"
    told = look(host, [], "~").lock
    assert (told.held, told.task, told.user) == (True, "deploy", holder("deploy")["user"])
    holding.communicate()
    assert look(host, [], "~").lock == FREE


def test_a_holder_that_was_killed_left_its_name_and_holds_nothing(box: LocalHost) -> None:
    box.put("~/.galos-ops/holder", json.dumps(holder("deploy")))
    box.put("~/.galos-ops/lock", "")
    assert look(box, [], "~").lock == FREE


def test_what_the_helper_wrote_before_is_no_reason(box: LocalHost) -> None:
    engine(box, "/", runs=False)
    with_compose(box)
    box.put("~/.ecr/log/ecr-login.log", FAILED)
    with_registry(box, Reply("no such manifest\n", 1))
    seen = look(box, [REFERENCE], "~")
    assert seen.helper_error == ""
    assert seen.registry == {REFERENCE: Registry("unknown", reason="no such manifest")}


def test_only_the_end_of_a_long_log_is_sent(box: LocalHost) -> None:
    log = [replace(V1, tag=f"v{number}") for number in range(4)]
    box.put("~/.galos-ops/releases.jsonl", "".join(json.dumps(asdict(one)) + "\n" for one in log))
    assert [one.tag for one in releases(look(box, [], "~").texts[LOG].value).releases] == ["v2", "v3"]
