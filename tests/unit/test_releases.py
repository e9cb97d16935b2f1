import json
import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import pytest

from galos_ops.config.settings import Releases, Service, Settings
from galos_ops.engines.engine import HeldTarget, Target
from galos_ops.engines.images.retention import beyond_keep, own, record, sweep
from galos_ops.engines.images.surplus import LocalImage, unneeded
from galos_ops.errors import CommandFailed, GuardError, NotReadyError, UsageError
from galos_ops.host import files
from galos_ops.host.release_log import LATER, LOG, Event, Log, Release, append, entry, joined, parse, started
from galos_ops.redaction import Secret
from galos_ops.workflows.rollback import chosen_release, require_no_migration_since
from tests.unit.fake_host import FakeHost, said
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import FACTS, REFERENCE, SETTINGS, held, target

TARGET = target(FakeHost())


def line(event: Event, image: str, day: int = 1, **more: Any) -> Release:
    known: dict[str, Any] = {
        "event": event, "time": f"2026-01-0{day}T00:00:00+00:00", "service": "galos-sync", "tag": "latest",
        "image": f"sha256:{image}", "previous": None, "migrations": (), "user": "ann", "machine": "laptop",
        "run": None, "seconds": 1.0, "downtime": 0.5,
    }  # fmt: skip
    return Release(**{**known, **more})


V1, V2, V3 = line("deploy", "aa", 1, tag="v1"), line("deploy", "bb", 2), line("deploy", "cc", 3)


def test_a_log_is_read_back_as_it_was_written() -> None:
    lines = [V1, line("migrate", "bb", 2, migrations=("1 première\u2028étape\x85",)), V2]
    told = "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in lines)
    assert parse(told) == Log(tuple(lines), 0)


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param("[" * 100_000, id="deep"),
        "{", '{"event": "deploy"}', "[]", "null", "\x00\x00", "7", '"x"',
        *(
            json.dumps({**asdict(V1), **spoiled})
            for spoiled in (
                {"migrations": None}, {"migrations": "1"}, {"migrations": [1]}, {"event": "delete"}, {"time": "now"},
                {"time": 5}, {"time": "2026-01-01T00:00:00"}, {"seconds": "1"}, {"tag": None}, {"image": ["x"]},
                {"time": "0001-01-01T00:00:00+14:00"}, {"outcome": "well"}, {"evidence": "no"}, {"evidence": [1]},
                {"output": 1},
            )
        ),
    ],
)  # fmt: skip
def test_a_line_that_nobody_can_read_is_passed_over_and_counted(torn: str) -> None:
    whole = json.dumps(asdict(V1))
    assert parse(f"{whole}\n{torn}\n\n{whole}\n") == Log((V1, V1), 1)
    assert parse(torn) == Log((), 1)
    assert parse(None) == Log((), 0)


def test_a_line_of_an_older_version_has_no_detail() -> None:
    row = asdict(V1)
    del row["detail"]
    assert parse(json.dumps(row)) == Log((V1,), 0)


def test_what_starts_no_image_is_no_release_to_keep_or_to_go_back_to(host: LocalHost) -> None:
    host.put("~/.galos-ops/token", "t0ken\n")
    unit = held(host)
    for number in range(8):
        script = append(entry("hold", f"for 2h: {number}", "galos-sync"))
        unit.change(script, doing="log")
    [text] = files.read(host, f"~/{LOG}")
    log = parse(text)
    assert (len(log.releases), log.unreadable, started(log.releases)) == (8, 0, [])
    assert log.releases[0].detail == "for 2h: 0"
    assert chosen_release(TARGET, [V1, V2, *log.releases], "sha256:bb", None) == V1


def test_without_a_name_the_release_before_what_runs_is_the_target() -> None:
    assert chosen_release(TARGET, [V1, V2, V3], "sha256:cc", None) == V2
    assert chosen_release(TARGET, [V1, V2, V3], None, None) == V2
    assert chosen_release(TARGET, [V1, V2, line("rollback", "aa", 3)], "sha256:aa", None) == V2


def test_where_a_migration_failed_and_nothing_runs_the_target_is_what_ran_before_it() -> None:
    assert chosen_release(TARGET, [V1, V2, line("migrate", "cc", 3)], None, None) == V2
    assert chosen_release(TARGET, [V1, line("migrate", "bb", 2), V2], None, None) == V1
    assert chosen_release(TARGET, [V1, V2, line("migrate", "cc", 3)], "sha256:bb", None) == V1


FIRST, SECOND, THIRD = (
    line("deploy", image * 32, day, tag=tag) for image, day, tag in (("aa", 1, "v1"), ("ab", 2, "s"), ("cc", 3, "s"))
)


@pytest.mark.parametrize(
    "name", ["v1", "2026-01-01T00:00:00+00:00", "2026-01-01 00:00", "2026-01-01", "sha256:aaaa", "aaaa", "aa" * 32]
)
def test_a_release_is_named_by_tag_time_or_image(name: str) -> None:
    assert chosen_release(TARGET, [FIRST, SECOND, THIRD], THIRD.image, name) == FIRST


def test_of_several_releases_of_one_image_the_newest_is_meant() -> None:
    again = replace(FIRST, event="rollback", time="2026-01-04T00:00:00+00:00")
    assert chosen_release(TARGET, [FIRST, SECOND, again, THIRD], THIRD.image, "v1") == again


@pytest.mark.parametrize(
    ("name", "words", "shown"),
    [
        ("v9", "no release of galos-sync has", [FIRST, SECOND, THIRD]),
        *(
            (name, "no release of galos-sync has", [FIRST, SECOND, THIRD])
            for name in ("", "sha", "sha256:", "aaa", "2")
        ),
        ("s", "several releases of galos-sync have", [SECOND, THIRD]),
        ("2026-01-0", "no release of galos-sync has", [FIRST, SECOND, THIRD]),
    ],
)
def test_a_name_that_does_not_mean_one_release_is_usage_with_those_there_are(
    name: str, words: str, shown: list[Release]
) -> None:
    with pytest.raises(UsageError, match=f"--to is '{name}'; {words} that tag") as caught:
        chosen_release(TARGET, [FIRST, SECOND, THIRD], None, name)
    images = [row.split()[0] for row in caught.value.evidence.splitlines()]
    assert images == [one.image[: len(images[0])] for one in shown]
    assert caught.value.hint.endswith("fab -H box rollback --to IMAGE")


@pytest.mark.parametrize("log", [[], [V1], [V1, line("migrate", "bb", 2)]])
def test_without_an_earlier_release_there_is_nothing_to_go_back_to(log: list[Release]) -> None:
    with pytest.raises(NotReadyError, match="no earlier release"):
        chosen_release(TARGET, log, "sha256:aa", None)


def with_digests(found: str) -> Target:
    """A target whose host has the image of V1 under a digest, or under none."""
    look = "docker image inspect -f '{{join .RepoDigests \" \"}}' sha256:aa"
    return target(FakeHost({look: said(f"reg/galos-sync@{found}\n" if found else "\n")}))


def test_a_migration_since_is_a_wall() -> None:
    log = [V1, *[line("migrate", "bb", 2, migrations=("2 rename",))] * 2, V2, V3]
    with pytest.raises(GuardError, match="a migration ran since sha256:aa") as caught:
        require_no_migration_since(with_digests("sha256:d1"), log, V1)
    assert caught.value.evidence == "2 rename"
    assert caught.value.hint.endswith(": fab -H box deploy --tag sha256:d1")
    require_no_migration_since(TARGET, log, V2)


def test_a_migration_that_was_never_followed_by_a_start_is_a_wall_too() -> None:
    with pytest.raises(GuardError) as caught:
        require_no_migration_since(with_digests(""), [V1, line("migrate", "bb", 2)], V1)
    assert caught.value.hint.endswith(" --tag v1")


def test_a_migration_has_one_line_of_how_it_began_and_ended() -> None:
    begun = line("migrate", "bb", 2, migrations=("2 rename",))
    well = line("migrate", "bb", 3, outcome="succeeded", reason="exit 0", output="a.log")
    bad = line("migrate", "bb", 3, outcome="failed", reason="exit 1", evidence=("no",), output="b.log")
    failed = replace(begun, outcome="failed", reason="exit 1", evidence=("no",), output="b.log")
    other = replace(begun, service="galos-map")
    assert joined([begun, other, V1, well, bad, begun]) == [failed, other, V1, begun]
    assert joined([bad]) == [bad]


def test_a_line_of_an_earlier_version_is_read() -> None:
    row = {name: value for name, value in asdict(V1).items() if name not in LATER}
    assert parse(json.dumps(row)) == Log((V1,), 0)


# --- the log and the tags on a host ----------------------------------------------------------------------------------

LISTING = "images --no-trunc --format {{.ID}} {{.Repository}}:{{.Tag}} galos-ops/galos-sync"
LOG_PATH = f"~/{LOG}"
DANGLING = "images -f dangling=true --no-trunc --digests --format {{.ID}} {{.Repository}}@{{.Digest}}"


def written(log: Iterable[Release]) -> str:
    return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in log)


def kept(*images: str) -> str:
    """The release tags of these images, as Docker lists them."""
    return "".join(f"sha256:{image} galos-ops/galos-sync:{image}\n" for image in images)


def with_keep(host: LocalHost, keep: int) -> HeldTarget:
    made = held(host)
    return replace(made, settings=replace(made.settings, releases=Releases(keep=keep)))


def test_a_line_is_appended_whole_for_the_owner_alone_and_is_on_the_disk(host: LocalHost) -> None:
    first, second = replace(V1, user="o'brien", migrations=("1 $(id) é", "")), V2
    host.put("~/.galos-ops/token", "")
    host.stubs.program("sync", 'echo "$1" >>synced')
    host.run(f"cd ~\n{append(first)}\n{append(second)}", doing="log")
    assert parse(files.read(host, LOG_PATH)[0]) == Log((first, second), 0)
    assert host.path(LOG_PATH).stat().st_mode & 0o777 == 0o600
    assert host.files()["~/synced"] == f"{LOG}\n{LOG}\n"


def test_of_more_migrations_than_a_script_may_hold_the_first_are_logged_and_how_many_there_are(host: LocalHost) -> None:
    names = tuple(f"{number} o'brien" for number in range(5000))
    host.put("~/.galos-ops/token", "")
    host.run(f"cd ~\n{append(replace(V1, migrations=names))}", doing="log")
    [line] = parse(files.read(host, LOG_PATH)[0]).releases
    *first, more = line.migrations
    assert tuple(first) == names[: len(first)]
    assert more == f"and {5000 - len(first)} more"
    assert len(first) > 1000


@pytest.mark.parametrize("torn", ['{"event": "depl', "\x00\x00", json.dumps(asdict(V1))[:-1]])
def test_what_follows_a_line_that_was_cut_short_is_whole(host: LocalHost, torn: str) -> None:
    host.put(LOG_PATH, written([V1]) + torn)
    host.stubs.program("sync", "")
    host.run(f"cd ~\n{append(V2)}\n{append(V3)}", doing="log")
    assert parse(files.read(host, LOG_PATH)[0]) == Log((V1, V2, V3), 1)


@pytest.mark.parametrize("fault", ["no folder", "sync"])
def test_what_follows_a_line_that_could_not_be_written_is_not_done(host: LocalHost, fault: str) -> None:
    if fault == "sync":
        host.put("~/.galos-ops/token", "")
        host.stubs.program("sync", "exit 1")
    with pytest.raises(CommandFailed):
        host.run(f"cd ~\n{append(V1)}\necho done >done", doing="log")
    assert "~/done" not in host.files()


def test_a_release_is_logged_and_its_image_is_kept_from_pruning(host: LocalHost) -> None:
    image = "sha256:" + "ab" * 32
    host.put(LOG_PATH, written([V1]))
    tagged: dict[str, Reply | str] = {f"tag {image} galos-ops/galos-sync:abababababab": "", LISTING: kept("aa")}
    host.stubs.add("docker", {**tagged, "rmi galos-ops/galos-sync:candidate": Reply(exited=1), DANGLING: ""})
    record(held(host), replace(V2, image=image))
    assert parse(files.read(host, LOG_PATH)[0]).releases == (V1, replace(V2, image=image))


def test_a_release_whose_image_cannot_be_kept_is_a_failure(host: LocalHost) -> None:
    host.put(LOG_PATH, "")
    host.stubs.add("docker", {"tag sha256:aa galos-ops/galos-sync:aa": Reply(exited=1, stderr="No such image\n")})
    with pytest.raises(CommandFailed, match="could not record the release"):
        record(held(host), V1)


def test_the_tags_beyond_those_to_keep_are_removed_and_one_that_is_in_use_is_told(host: LocalHost) -> None:
    host.put(LOG_PATH, written([line("deploy", image) for image in ("aa", "bb", "cc")]))
    host.stubs.add("docker", {"tag sha256:dd galos-ops/galos-sync:dd": "", LISTING: kept("dd", "cc", "bb", "aa")})
    host.stubs.add(
        "docker", {"rmi galos-ops/galos-sync:bb": Reply(exited=1), "rmi galos-ops/galos-sync:aa": "Untagged"}
    )
    host.stubs.add("docker", {"rmi galos-ops/galos-sync:candidate": "Untagged", DANGLING: ""})
    record(with_keep(host, 2), line("deploy", "dd"))


def test_images_of_the_repository_that_no_tag_names_go_but_what_is_to_start_again(host: LocalHost) -> None:
    repository, digest = REFERENCE.rpartition(":")[0], "sha256:" + "1" * 64
    rows = [
        f"sha256:ee {repository}@{digest}", f"sha256:cc {repository}@sha256:c", f"sha256:dd {repository}@<none>",
        f"sha256:dd {repository}-other@{digest}", "sha256:ff <none>@<none>",
    ]  # fmt: skip
    host.put("~/.galos-ops/galos-map.stopped", "sha256:cc\n")
    host.put("~/.galos-ops/step", "")
    host.stubs.add("docker", {DANGLING: "\n".join(rows) + "\n", f"rmi {repository}@{digest}": Reply(exited=1)})
    done = host.run(f"cd\n{sweep(held(host))}", doing="sweep")
    assert (done.ok, done.stdout) == (True, "")
    assert sweep(target(host)) == ":"


def carried(image: str) -> Target:
    """A target whose migrations another image carries."""
    settings = Settings.of({"services": {"galos-sync": {"migration": {"service": "carrier"}}}})
    rows = {"galos-sync": {"image": REFERENCE}, "carrier": {"image": image}}
    facts = replace(FACTS, config=Secret(json.dumps({"services": rows})))
    return replace(TARGET, settings=settings, service=settings.services["galos-sync"], snapshot=facts)


def test_the_images_that_carry_migrations_are_ours_where_they_are_of_our_registry() -> None:
    repository, registry = REFERENCE.rpartition(":")[0], SETTINGS.ecr.registry
    images = [LocalImage("old", (), (f"{repository}@d1",)), LocalImage("older", (), (f"{registry}/carrier@d2",))]
    found = [f"{repository}@d1", f"{registry}/carrier@d2"]
    assert list(unneeded(carried(f"{registry}/carrier:latest"), images, set())) == found
    assert list(unneeded(carried(f"{registry}/carrier@sha256:ab"), images, set())) == found
    assert list(unneeded(carried("flyway/flyway:11"), images, set())) == found[:1]


def test_our_tags_of_a_directory_are_its_own() -> None:
    def own_of(directory: str) -> str:
        return own(replace(TARGET, settings=replace(SETTINGS, directory=directory)))

    assert own_of("~") == "galos-ops/galos-sync"
    assert len({own_of(one) for one in ("~", "/srv/prod", "/srv/staging")}) == 3
    assert re.fullmatch(r"galos-ops/galos-sync-[0-9a-f]{8}", own_of("/srv/prod"))
    theirs = LocalImage("older", (f"{own_of('/srv/staging')}:aa",), (f"{REFERENCE.rpartition(':')[0]}@d1",))
    assert list(unneeded(TARGET, [theirs], set())) == []


def test_what_is_not_needed_is_ours_and_nobody_else_s() -> None:
    own, repository = "galos-ops/galos-sync", REFERENCE.rpartition(":")[0]
    images = [
        LocalImage("needed", (f"{own}:aa", f"{own}:candidate"), (f"{repository}@d1",)),
        LocalImage("old", (f"{own}:bb",), (f"{repository}@d2", "others/galos-sync@d2")),
        LocalImage("failed", (), (f"{repository}@d3",)),
        LocalImage("theirs", ("others/galos-sync:mine", f"{own}:cc"), (f"{repository}@d4",)),
        LocalImage("tagged", (REFERENCE,), (f"{repository}@d5",)),
        LocalImage("another", (), (f"{repository}-other@d6",)),
    ]
    assert list(unneeded(TARGET, images, {"needed"})) == [
        f"{own}:candidate", f"{own}:bb", f"{repository}@d2", f"{repository}@d3", f"{own}:cc",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("log", "gone"),
    [
        ([line("deploy", "aa"), line("deploy", "bb"), line("deploy", "cc")], ["aa"]),
        # an image that came again is as new as its last release
        ([*(line("deploy", image) for image in ("aa", "bb", "cc")), line("rollback", "aa")], ["bb"]),
        # the log's order decides, not the clocks of those who wrote it
        ([line("deploy", "aa", 9), line("deploy", "bb", 1), line("deploy", "cc", 2)], ["aa"]),
        # a migration is no release
        ([line("deploy", "aa"), line("migrate", "bb"), line("migrate", "bb"), line("deploy", "cc")], ["bb"]),
        # each service of one repository keeps its own, though its name is the end of another's
        (
            [line("deploy", "aa", service="sync"), *(line("deploy", image) for image in ("bb", "cc", "dd"))],
            ["bb"],
        ),
        # a line that nobody can read is nobody's release
        ([line("deploy", "aa")], ["bb", "cc", "dd"]),
    ],
)
def test_what_would_be_removed_is_what_no_service_s_last_releases_have(
    host: LocalHost, log: list[Release], gone: list[str]
) -> None:
    *before, newest = log
    host.put(LOG_PATH, "\x00torn" + "\n" + written(before))
    there = list(dict.fromkeys([*(one.image.removeprefix("sha256:") for one in log), *gone]))
    host.stubs.add("docker", {LISTING: kept(*there)})
    removed = beyond_keep(with_keep(host, 2), newest.image)
    assert removed == [f"galos-ops/galos-sync:{image}" for image in gone]


def test_a_line_that_was_cut_short_is_no_release_that_takes_the_place_of_another(host: LocalHost) -> None:
    torn = json.dumps(asdict(line("deploy", "bb")))[:-1]
    host.put(LOG_PATH, f"{written([line('deploy', 'aa')])}{torn}\n")
    host.stubs.add("docker", {LISTING: kept("aa", "cc")})
    assert beyond_keep(with_keep(host, 2), "sha256:cc") == []


def test_before_the_first_release_nothing_would_be_removed(host: LocalHost) -> None:
    host.stubs.add("docker", {LISTING: ""})
    assert beyond_keep(target(host), "sha256:aa") == []


def test_a_way_back_names_its_service_where_there_are_several() -> None:
    services = {"galos-sync": Service("galos-sync"), "galos-map": Service("galos-map")}
    both = replace(TARGET, settings=replace(TARGET.settings, services=services))
    for name in (None, "v9"):
        with pytest.raises((NotReadyError, UsageError)) as caught:
            chosen_release(both, [FIRST], FIRST.image, name)
        assert " --service galos-sync --t" in caught.value.hint
