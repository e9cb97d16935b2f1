"""Which services stop together: what makes one database of two URLs, and the proof that nothing runs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from galos_ops.config.settings import Settings
from galos_ops.engines.databases import database, local, stops
from galos_ops.engines.dependencies import groups
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.host.shell import ExitCode
from galos_ops.redaction import Secret
from tests.unit.local_host import LocalHost, Reply
from tests.unit.targets import COMPOSE

URL = "postgresql://galos:secret@db/elite"
RUNNING = """ps --format {{.Label "com.docker.compose.service"}}/{{.Names}}"""


@pytest.mark.parametrize(
    "same",
    [
        "postgres://other:word@db/elite",
        "postgresql://db:5432/elite?sslmode=require",
        "postgresql+asyncpg://DB/elite",
        "postgresql://db/%65lite",
        "postgresql:///elite?host=db",
        "postgresql://db/?dbname=elite",
        "postgresql:///?host=db&port=5432&dbname=elite",
        "postgis://db/elite",
        "cockroachdb://db:5432/elite",
        "postgres://other:w[rd@db/elite",
        "postgresql+psycopg://other:w/o:r?d#@db/elite?sslmode=require",
        "postgres://other:\N{ACCOUNT OF}@db/elite",
        *(f"postgresql+psycopg://other:12{letter}x@db/elite?sslmode=require" for letter in "/?#["),
        "postgresql://db:5432/elite?user=me@server",
    ],
)
def test_what_does_not_tell_two_databases_apart_does_not_count(same: str) -> None:
    assert database(same) == database(URL)


@pytest.mark.parametrize(
    "other",
    [
        "postgresql://db2/elite",
        "postgresql://db:5433/elite",
        "postgresql://db/elite2",
        "postgresql://db/Elite",
        "mysql://db/elite",
        "postgresql://db,db2/elite",
        "postgresql:///elite?host=/run/postgresql",
        "postgresql://db:port/elite",
        "nonsense",
        "",
    ],
)
def test_another_server_port_or_name_is_another_database(other: str) -> None:
    assert database(other) != database(URL)
    assert database(other) == database(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mysql2://db/app", "mysql+pymysql://db/app"),
        ("trilogy://db/app", "mysql://db:3306/app"),
        ("sqlserver://db/app", "mssql://db:1433/app"),
        ("postgresql://%2Frun%2Fpostgresql/app", "postgresql:///app?host=/run/postgresql"),
        ("postgresql://127.0.0.1/app", "postgresql://localhost/app"),
        ("postgresql://[::1]/app", "postgresql://host.docker.internal/app"),
    ],
)
def test_one_server_has_several_names_and_one_default_port(one: str, other: str) -> None:
    assert database(one) == database(other)


def settings(**stopping: list[str] | None) -> Settings:
    rows = {name: {"migration": {"tool": "none", "stops": names}} for name, names in stopping.items()}
    return Settings.of({"services": rows})


def snapshot(rows: dict[str, Any]) -> Snapshot:
    return Snapshot(config=Secret(yaml.safe_dump({"services": rows})))


def given(url: str, **more: Any) -> dict[str, Any]:
    return {"environment": {"DATABASE_URL": url}, **more}


def test_services_with_the_same_database_stop_for_each_other_unless_the_configuration_names_others() -> None:
    rows = {"a": given(URL), "b": given(f"{URL}?x=1"), "c": given("postgresql://db/other"), "d": {}}
    seen = snapshot(rows)
    every = settings(d=None, c=None, b=None, a=None)
    assert [stops(every, seen, name) for name in "abcd"] == [("a", "b"), ("b", "a"), ("c",), ("d",)]
    named = settings(a=["c", "d"], b=[], c=None, d=None)
    assert [stops(named, seen, name) for name in "abcd"] == [("a", "c", "d"), ("b",), ("c",), ("d",)]


SERVER = {"container_name": "Galos-DB", "networks": {"default": {"aliases": ["pg"]}, "back": None}}


@pytest.mark.parametrize(
    ("host", "more"),
    [
        ("galos-db", {}),
        ("pg", {}),
        ("database", {"links": ["postgres:database"]}),
        ("postgres", {"links": ["postgres"]}),
    ],
)
def test_a_database_of_the_compose_file_is_one_by_whatever_name(host: str, more: dict[str, Any]) -> None:
    url = "postgresql://u@{}/app"
    seen = snapshot({"postgres": SERVER, "a": given(url.format(host), **more), "b": given(url.format("postgres"))})
    assert stops(settings(a=None, b=None), seen, "a") == ("a", "b")
    assert local(seen, "a") == "postgres"


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        (["db:host-gateway"], "localhost"),
        (["db=127.0.0.1"], "localhost"),
        ({"db": "host-gateway"}, "localhost"),
        (["db=[::1]"], "localhost"),
        (["db:10.0.0.5"], ""),
        ({"db": ["10.0.0.5"]}, ""),
    ],
)
def test_a_name_that_the_compose_file_gives_to_an_address_is_that_address(hosts: Any, found: str) -> None:
    seen = snapshot({"a": given(URL, extra_hosts=hosts), "b": given("postgresql://10.0.0.5/elite")})
    assert local(seen, "a") == found
    assert stops(settings(a=None, b=None), seen, "a") == (("a",) if found else ("a", "b"))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgresql:///app", "a socket"),
        ("postgresql:///app?host=/run/postgresql", "/run/postgresql"),
        ("postgresql://db.example/app", ""),
    ],
)
def test_a_socket_is_another_server_on_each_host(url: str, found: str) -> None:
    assert local(snapshot({"a": given(url)}), "a") == found


def test_the_database_of_a_carrier_of_migrations_counts_too() -> None:
    table = {"a": {"migration": {"service": "carrier"}}, "b": {}}
    seen = snapshot({"a": {}, "b": given(URL), "carrier": given(URL)})
    assert stops(Settings.of({"services": table}), seen, "a") == ("a", "b")


def test_an_environment_that_is_a_list_and_one_without_a_value_are_read_too() -> None:
    seen = snapshot({"a": {"environment": [f"DATABASE_URL={URL}"]}, "b": {"environment": ["DATABASE_URL"]}})
    assert stops(settings(a=None, b=None), seen, "b") == ("b",)
    assert stops(settings(a=None, b=None), seen, "a") == ("a",)


def test_services_that_stop_together_are_one_group_and_groups_follow_what_they_depend_on() -> None:
    rows = {"a": given(URL, depends_on=["x"]), "x": {"depends_on": ["c"]}, "b": given(URL), "c": {}, "d": {}}
    every = settings(a=None, b=None, c=None, d=None)
    assert groups(every, snapshot(rows), ["a", "b", "c", "d"]) == [["c"], ["a", "b"], ["d"]]
    assert groups(every, snapshot(rows), ["b"]) == [["b"]]
    one_way = settings(a=[], b=["d"], c=["b"], d=[])
    assert groups(one_way, snapshot(rows), ["a", "b", "c", "d"]) == [["c", "b", "d"], ["a"]]


@pytest.mark.parametrize(
    ("running", "found"),
    [
        ("", ""),
        ("/nginx galos-map2/galos-map2-1 other/galos-sync", ""),
        ("galos-sync/galos-sync-check galos-sync/galos-sync-check-12ab", ""),
        ("galos-sync/srv-galos-sync-1 galos-sync/srv-galos-sync-2", "srv-galos-sync-1 srv-galos-sync-2"),
        ("galos-map/left galos-map/galos-map-migration", "left galos-map-migration"),
        ("galos-sync/galos-sync-migration", "galos-sync-migration"),
    ],
)
def test_a_migration_is_not_begun_beside_what_runs(host: LocalHost, running: str, found: str) -> None:
    host.stubs.add("docker", {RUNNING: "".join(f"{one}\n" for one in running.split())})
    script = COMPOSE.prove_stopped(["galos-sync", "galos-map"])
    result = host.run(f"{script}\necho begun", doing="look", check=False)
    assert (result.exited, result.stdout) == ((ExitCode.STILL_RUNS, f"{found}\n") if found else (0, "begun\n"))


def test_an_engine_that_does_not_answer_proves_nothing(host: LocalHost) -> None:
    host.stubs.add("docker", {RUNNING: Reply(exited=1, stderr="Cannot connect to the Docker daemon\n")})
    result = host.run(f"{COMPOSE.prove_stopped(['a'])}\necho begun", doing="look", check=False)
    assert (result.exited, result.stdout) == (ExitCode.STILL_RUNS, "")
