import base64
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from galos_ops.config.command_line import CommandLine
from galos_ops.config.settings import Settings
from galos_ops.diagnostics.condition import Subject
from galos_ops.diagnostics.ready import require_ready
from galos_ops.engines.docker_compose import FILES, DockerCompose
from galos_ops.engines.snapshot.probe import CONTAINER, PROJECT, Scope, gather, read, script
from galos_ops.engines.snapshot.probe_output import container, parse
from galos_ops.engines.snapshot.snapshot import Container, Snapshot, tagged
from galos_ops.errors import NotReadyError
from galos_ops.provisioning.compose_file import compose_file
from galos_ops.redaction import Secret, masked
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import target


def row(line: str, **more: object) -> str:
    """A container as the probe prints it: ID, image, state, restarts, name, service, one-off, project, directory."""
    names = ("id", "image", "state", "restarts", "name", "service", "oneoff", "project", "directory")
    tree: dict[str, object] = dict(zip(names, line.split(" ", 8), strict=True))
    times = {"started": "2026-01-01T00:00:00.5Z", "finished": "0001-01-01T00:00:00Z"}
    log = {"hook": "", "exit_code": 0, "health": None, "log_driver": "json-file", "log_size": "10m"}
    return json.dumps({**tree, "restarts": int(str(tree["restarts"])), **times, **log, **more})


def look(host: LocalHost, references: tuple[str, ...] = (), directory: str = "~") -> Snapshot:
    return gather(host, PROJECT, Scope(references, directory))


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
        f"environment\t{packed('A=1')}",
        f"config\t{packed(CONFIG)}",
        "container\t" + row("c1 sha256:aa running 0 /root-galos-sync-1 galos-sync False root /data/galos"),
        "container\t"
        + row("c2 sha256:bb exited 3 /galos-sync-migration galos-sync True root /data/galos", role="migration"),
        "container\t" + row("c3 sha256:cc running 0 /other    "),
        "container\t" + row("c4 sha256:dd running 0 /else-galos-sync-1 galos-sync False else /srv/else where"),
        "image\tregistry/galos-sync:latest sha256:aa 2026-01-01T00:00:00Z",
        "passed\tgalos-sync 99ff",
    )
)


@pytest.mark.parametrize(
    ("labels", "oneoff"),
    [({"oneoff": "False"}, False), ({"oneoff": "True"}, True), ({"oneoff": "", "hook": "post_start"}, True)],
)
def test_a_container_of_a_lifecycle_hook_is_never_the_service_s_own(labels: dict[str, str], oneoff: bool) -> None:
    line = row("c1 sha256:aa exited 0 /x galos-sync - root /root", **labels)
    found = parse(f"directory\t/root\ncontainer\t{line}")
    assert [one.oneoff for one in found.containers] == [oneoff]
    assert bool(found.of("galos-sync")) is not oneoff


def test_every_line_of_the_probe_becomes_a_fact() -> None:
    facts = parse(OUTPUT)
    assert facts.directories == ("/srv/galos", "/data/galos")
    assert facts.flavour == DockerCompose("docker-compose", (2, 26, 1))
    assert facts.environment == Secret("A=1")
    assert facts.services() == {"galos-sync": "registry/galos-sync:latest", "db": "postgres:latest"}
    assert facts.images == {"registry/galos-sync:latest": "sha256:aa"}
    assert facts.passed == {"galos-sync": "99ff"}
    assert facts.of("galos-sync") == [
        container(row("c1 sha256:aa running 0 /root-galos-sync-1 galos-sync False root /data/galos"))
    ]
    assert [one.name for one in facts.foreign("galos-sync")] == ["else-galos-sync-1"]
    migrator = facts.named("galos-sync-migration")
    assert migrator is not None
    assert not migrator.alive
    assert facts.named("galos-sync") is None
    assert facts.named("root-galos-sync-1") is None, "a service's own container is taken for one that migrates"


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
    facts = Snapshot(directories=("/d",), config=Secret(config), containers=tuple(containers))
    assert [one.name for one in facts.of("s")] == names
    assert {one.name for one in facts.foreign("s")} == {"one", "two"} - set(names)


def test_what_a_service_is_given_is_not_shown_but_the_name_of_the_project_is(host: LocalHost) -> None:
    config = "services: {a: {environment: {TOKEN: hunter2-token, COMPOSE_PROJECT_NAME: elite-prod}}}"
    read(host, (), f"config\t{packed(config)}")
    assert masked("elite-prod-a-1 hunter2-token") == "elite-prod-a-1 ***"


@pytest.mark.parametrize(
    "noise",
    ["Last login: yesterday", "container\tc1 sha256:aa", 'container\t{"id": "c1"}', "image\tx", "config\t!"],
)
def test_what_the_probe_does_not_print_is_not_taken_for_a_fact(noise: str) -> None:
    with pytest.raises(ValueError, match=r"line of the probe|not enough|Expecting value|not a container|base64"):
        parse(OUTPUT + "\n" + noise)


@pytest.mark.parametrize(
    ("state", "alive"),
    [("running", True), ("restarting", True), ("paused", True), ("exited", False), ("created", False), ("dead", False)],
)
def test_a_container_is_alive_unless_docker_says_it_ended(state: str, alive: bool) -> None:
    assert Container("c", "i", state, 0, "n", "s", False, "p", "/").alive is alive


HERE = Snapshot(directories=("/r",))


@pytest.mark.parametrize(
    ("facts", "sentence", "hint", "evidence"),
    [
        (Snapshot(), "h: the directory ~ is not there.", "fab -H h setup", ""),
        (
            replace(HERE, engine_error="permission denied"),
            "h: the user may not use the Docker engine.",
            "usermod -aG docker",
            "permission denied",
        ),
        (
            replace(HERE, engine_error="sh: docker: not found"),
            "h: docker is not installed.",
            "install Docker on h",
            "sh: docker: not found",
        ),
        (
            replace(HERE, engine_error="Cannot connect"),
            "h: the Docker engine does not answer.",
            "ssh h 'sudo systemctl start docker'",
            "Cannot connect",
        ),
        (replace(HERE, engine="26"), "h: docker-compose is not installed.", "install docker-compose on h", ""),
        (replace(parse(OUTPUT), compose_file=""), "h: there is no compose file in ~.", "fab -H h setup", ""),
        (
            replace(parse(OUTPUT), config=Secret(), config_error=Secret("line 3: odd")),
            "h: docker-compose cannot read its files in ~.",
            "until docker-compose config -q says nothing",
            "line 3: odd",
        ),
    ],
)
def test_a_host_that_is_not_ready_is_told_what_is_missing(
    facts: Snapshot, sentence: str, hint: str, evidence: str
) -> None:
    with pytest.raises(NotReadyError) as caught:
        require_ready(CommandLine("h"), Settings.of({}), facts)
    assert (caught.value.sentence, caught.value.evidence, caught.value.code) == (sentence, evidence, 8)
    assert hint in caught.value.hint


def test_a_ready_host_has_its_compose() -> None:
    ready = parse(OUTPUT)
    assert require_ready(CommandLine("h"), Settings.of({"directory": "/srv"}), ready).docker_compose == ready.flavour


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


# --- the probe, in real shells ---------------------------------------------------------------------------------------

REFERENCE = "registry/galos-sync:latest"
CREATED = "2026-01-01T00:00:00Z"
ENGINE_ASKED = "version --format {{.Server.Version}}"
IMAGE_ASKED = "image inspect -f {{.Id}} {{.Created}}{{range .RepoDigests}} {{.}}{{end}} "
LISTING = "ps -aq --no-trunc --filter label=com.docker.compose.service"
ROW = "sha256:aa running 0 /root-galos-sync-1 galos-sync False root"


def with_docker(host: LocalHost, *, containers: str = "", images: Mapping[str, str] | None = None) -> None:
    """An engine with containers, their lines as `docker inspect` prints them, and images by reference."""
    ids = [line.split(" ")[0] for line in containers.splitlines()]
    told = "".join(f"container\t{row(line)}\n" for line in containers.splitlines())
    host.stubs.add("docker", {ENGINE_ASKED: "26.1.5\n", LISTING: "".join(f"{one}\n" for one in ids)})
    absent = Reply(exited=1, stderr="Error: No such image\n")
    host.stubs.add("docker", {IMAGE_ASKED + REFERENCE: absent}, asked=False)  # that of `CONFIG`
    if ids:
        host.stubs.add("docker", {f"inspect -f container\t{CONTAINER} {' '.join(ids)}": told})
    for reference, image in (images or {}).items():
        found = Reply(f"{image} {CREATED}\n") if image else Reply(exited=1, stderr="Error: No such image\n")
        host.stubs.add("docker", {IMAGE_ASKED + reference: found})


def with_compose(host: LocalHost, config: str | Reply = CONFIG, version: str = "2.26.1-4") -> None:
    host.stubs.add("docker-compose", {"version --short": f"{version}\n", "config": config})


def test_all_facts_are_told_in_one_round_trip(host: LocalHost) -> None:
    with_docker(host, containers=f"c1 {ROW} {host.home}\nc2 {ROW} /else where", images={REFERENCE: "sha256:aa"})
    with_compose(host)
    host.put("~/docker-compose.yml", "services: {}\n")
    host.put("~/.env", "A=1\n")
    host.put("~/.galos-ops/galos-sync.passed", "99ff\n")
    host.put("~/.galos-ops/galos.web.passed", "aa00\n")
    log = (("deploy", "sync", "0a"), ("rollback", "sync", "0b"), ("migrate", "sync", "0c"), ("deploy", "web", "0d"))
    *rows, last = (json.dumps({"event": e, "service": s, "tag": "", "image": f"sha256:{i}"}) for e, s, i in log)
    torn = '{"event": "deploy", "service": "sync", "image": "sha256:0e", '
    host.put("~/.galos-ops/releases.jsonl", "\n".join(["\x00\x00", *rows, torn, last]))
    facts = look(host, (REFERENCE,))
    assert len(host.scripts) == 1
    assert facts == Snapshot(
        directories=(str(host.home), str(host.home)),
        engine="26.1.5",
        flavour=DockerCompose("docker-compose", (2, 26, 1)),
        compose_file="docker-compose.yml",
        environment=Secret("A=1\n"),
        config=Secret(CONFIG.rstrip("\n")),
        containers=tuple(
            container(row(f"{one} {ROW} {place}")) for one, place in (("c1", host.home), ("c2", "/else where"))
        ),
        images={REFERENCE: "sha256:aa"},
        created={"sha256:aa": "2026-01-01T00:00:00+00:00"},
        passed={"galos-sync": "99ff", "galos.web": "aa00"},
        private=(Secret("A=1\n"),),
        recorded={"sync": "sha256:0b", "web": "sha256:0d"},
        logged={"sync": "migrate", "web": "deploy"},
    )


def test_what_a_snapshot_holds_of_secrets_is_in_no_repr(host: LocalHost) -> None:
    secret = Secret(CONFIG)
    facts = replace(parse(OUTPUT), config_error=secret, private=(secret,), texts={"~/.env": secret})
    for shown in (repr(facts), repr(target(host, facts)), repr(Subject(Settings.of({}), "galos-sync", facts))):
        assert "c1" in shown
        assert "postgres" not in shown
    assert f"{Secret(CONFIG)}" == "***"


def test_a_host_with_nothing_running_and_no_image_is_told_so(host: LocalHost) -> None:
    with_docker(host, images={REFERENCE: "", "b:v1": "sha256:bb"})
    with_compose(host)
    facts = look(host, (REFERENCE, "b:v1"))
    assert (facts.containers, facts.images, facts.passed) == ((), {"b:v1": "sha256:bb"}, {})
    assert (facts.compose_file, facts.environment) == ("", None)


def test_the_images_of_every_service_in_the_compose_file_are_looked_up(host: LocalHost) -> None:
    """One carries the migrations of another."""
    named = ("a/b:v1", "c", "registry:5000/d", "e@sha256:aa")
    asked = ("a/b:v1", "c:latest", "registry:5000/d:latest", "e@sha256:aa")
    with_docker(host, images={reference: f"sha256:{number}" for number, reference in enumerate(asked)})
    rows = "".join(f"  s{number}:\n    image: {name}\n" for number, name in enumerate(named))
    with_compose(host, f"services:\n{rows}  s9:\n    environment:\n      image: of-no-service\n")
    assert look(host).images == {reference: f"sha256:{number}" for number, reference in enumerate(asked)}


def test_a_directory_behind_a_link_has_both_its_names(host: LocalHost) -> None:
    with_docker(host)
    with_compose(host)
    (host.home / "data").mkdir()
    (host.home / "it's here").symlink_to("data")
    assert look(host, (), "~/it's here").directories == (f"{host.home}/it's here", f"{host.home}/data")


def test_a_directory_that_is_not_there_hides_neither_engine_nor_compose(host: LocalHost) -> None:
    with_docker(host)
    host.stubs.add("docker-compose", {"version --short": "1.29.2\n"})
    facts = look(host, (), "~/nowhere")
    assert (facts.engine, facts.flavour) == ("26.1.5", DockerCompose("docker-compose", (1, 29, 2)))
    assert (facts.directories, facts.compose_file, facts.config, facts.config_error) == ((), "", Secret(), Secret())


@pytest.mark.parametrize(
    "words",
    ["Cannot connect to the Docker daemon at unix:///x. Is it running?", "permission denied: docker.sock\nmore"],
)
def test_without_an_engine_the_rest_is_told_all_the_same(host: LocalHost, words: str) -> None:
    failing = Reply(exited=1, stderr=f"{words}\n")
    host.stubs.add("docker", dict.fromkeys((ENGINE_ASKED, LISTING, IMAGE_ASKED + REFERENCE), failing))
    with_compose(host)
    host.put("~/.env", "")
    facts = look(host, (REFERENCE,))
    assert (facts.engine, facts.engine_error) == ("", words)
    assert facts.flavour is not None
    assert facts.config
    assert facts.environment == Secret("")


def test_a_host_without_docker_is_told_so(host: LocalHost) -> None:
    facts = look(host, (REFERENCE,))
    assert "docker" in facts.engine_error
    assert "not found" in facts.engine_error
    assert (facts.engine, facts.flavour, facts.config, facts.config_error) == ("", None, Secret(), Secret())


def test_the_plugin_is_taken_where_there_is_no_docker_compose(host: LocalHost) -> None:
    with_docker(host)
    host.stubs.add("docker", {"compose version --short": "2.26.1\n", "compose config": CONFIG})
    facts = look(host)
    assert facts.flavour == DockerCompose("docker compose", (2, 26, 1))
    assert facts.config == Secret(CONFIG.rstrip("\n"))


def test_a_compose_file_that_cannot_be_read_is_told_with_the_reason_alone(host: LocalHost) -> None:
    with_docker(host)
    with_compose(host, Reply("half a file\n", 15, "yaml: line 3: did not find expected key\n"))
    facts = look(host)
    assert (facts.config, facts.config_error.value) == (Secret(), "yaml: line 3: did not find expected key")


@pytest.mark.parametrize(("there", "used"), [(FILES, FILES[0]), (FILES[1:], FILES[1]), (FILES[-1:], FILES[-1])])
def test_the_compose_file_is_the_one_that_docker_compose_takes(
    host: LocalHost, there: tuple[str, ...], used: str
) -> None:
    for name in there:
        host.put(f"~/{name}", "services: {}\n")
    assert look(host).compose_file == used


@pytest.mark.parametrize("value", ["prod.yml:more.yml", '"prod.yml:more.yml"', "prod.yml:more.yml\r"])
def test_the_compose_files_are_those_that_dotenv_names(host: LocalHost, value: str) -> None:
    host.put("~/.env", f"COMPOSE_FILE=old.yml\nCOMPOSE_FILE={value}\n")
    for name in (FILES[0], "prod.yml"):
        host.put(f"~/{name}", "services: {}\n")
    assert look(host).compose_file == "prod.yml:more.yml"
    written = compose_file(host, Settings())
    assert (written.changed, written.detail) == (False, "prod.yml:more.yml is found")


def test_a_container_made_by_hand_of_a_compose_file_in_another_folder_is_ours(host: LocalHost) -> None:
    host.put("~/deploy/base.yml", "services: {}\n")
    host.put("~/.env", "COMPOSE_FILE=deploy/base.yml:more.yml\n")
    found = look(host)
    assert found.directories[::2] == (str(host.home), f"{host.home}/deploy")
    assert found.project_name == "deploy"


def test_the_project_is_named_as_dotenv_has_it_where_docker_compose_does_not_tell() -> None:
    named = Snapshot(directories=("/srv/prod",), environment=Secret("COMPOSE_PROJECT_NAME='galos'\nX=1\n"))
    assert named.project_name == "galos"
    assert replace(named, environment=Secret("COMPOSE_PROJECT_NAME=Galos.2\r\n")).project_name == "galos2"
    assert replace(named, environment=None).project_name == "prod"
    assert replace(named, config=Secret("name: told\n")).project_name == "told"


def test_a_login_shell_that_prints_is_named(box: LocalHost) -> None:
    box.stubs.program("timeout", 'echo "Welcome to box"; shift 3; exec "$@"')  # as a start-up file would before it
    with pytest.raises(NotReadyError, match="start-up file of the login shell") as caught:
        look(box)
    assert "Welcome to box" in caught.value.evidence


def test_what_one_part_prints_is_whole_and_waits_for_no_other(host: LocalHost) -> None:
    with_compose(host, "services: {}\n" + 200_000 * "#")  # more than a pipe holds
    with_docker(host)
    assert len(look(host).config.value) > 200_000


def test_a_part_that_did_not_come_to_its_end_is_not_taken_for_an_empty_one(host: LocalHost) -> None:
    output = host.run(script(PROJECT[1:], Scope((), "~")), doing="look").stdout
    names = {part.__name__ for part in PROJECT}
    assert parse(output, names - {"engine"})
    with pytest.raises(ValueError, match="the host did not say: engine"):
        parse(output, names)


def test_a_migration_that_did_not_begin_is_not_the_last_event(host: LocalHost) -> None:
    with_docker(host)
    with_compose(host)

    def line(event: str, outcome: str | None = None) -> str:
        row = {"event": event, "service": "sync", "tag": "", "image": "sha256:0a", "outcome": outcome, "detail": ""}
        return f"{json.dumps(row)}\n"

    log = line("deploy") + line("migrate") + line("migrate", "not begun")
    host.put("~/.galos-ops/releases.jsonl", log)
    assert look(host).logged == {"sync": "deploy"}
    host.put("~/.galos-ops/releases.jsonl", line("migrate") + log.replace("deploy", "migrate"))
    assert look(host).logged == {"sync": "migrate"}


def test_a_marker_names_the_hosts_of_a_task(host: LocalHost) -> None:
    with_docker(host)
    with_compose(host)
    assert not look(host).under_migration
    host.put("~/.galos-ops/migrating", "a,b\n")
    assert look(host).migrating == "a,b"


def test_a_marker_counts_by_being_there(host: LocalHost) -> None:
    with_docker(host)
    with_compose(host)
    host.put("~/.galos-ops/migrating", "")
    assert look(host).under_migration


def test_an_image_is_told_with_the_digests_that_registries_know_it_by(host: LocalHost) -> None:
    with_docker(host)
    with_compose(host)
    named = "registry/galos-sync@sha256:d1 localhost:5000/a@sha256:d2"
    host.stubs.add("docker", {IMAGE_ASKED + REFERENCE: f"sha256:aa {CREATED} {named}\n"})
    facts = look(host, (REFERENCE,))
    assert (facts.images, facts.digests) == ({REFERENCE: "sha256:aa"}, {"sha256:aa": ("sha256:d1", "sha256:d2")})
