"""`pending` and `migrate` with every kind of tool and place, on the real host and database."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conftest import Operator, container, image_id
from tests.integration.test_deploy import V1, V2, applied


def migration(operator: Operator, **keys: Any) -> str:
    return operator.configured({"services": {"galos-sync": {"migration": keys}}})


def test_migrate_alone_as_the_runbook_has_it(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    deployed.done("pull")
    told = deployed.refused(5, "migrate")
    assert "the service runs, and nothing is migrated while it does" in told
    assert applied(deployed) == V1
    deployed.done("down")
    told = deployed.done("migrate")
    assert "2 applied" in told
    assert applied(deployed) == V2
    assert container(deployed.host) == ""
    assert "nothing to do: no migration is pending" in deployed.done("migrate")
    deployed.done("up")
    assert container(deployed.host) == f"running {image_id(deployed.host)}"


def test_pending_lists_names_and_touches_nothing(deployed: Operator) -> None:
    deployed.done("pending")
    deployed.sandbox.publish("v2")
    deployed.done("pull")
    told = deployed.refused(5, "pending")
    assert "20260806150000 rename surface columns" in told
    deployed.judge.no_downtime()
    assert applied(deployed) == V1


def test_a_backup_runs_before_the_migration_and_with_the_services_environment(deployed: Operator) -> None:
    deployed.sandbox.publish("v2")
    command = 'printf "%s" "$DATABASE_URL" >~/backup && docker ps -q >~/running'
    deployed.done("-f", migration(deployed, backup=command), "deploy")
    assert deployed.host.shell("cat ~/backup", check=False) == deployed.sandbox.database_url()
    assert deployed.host.shell("cat ~/running; rm -f ~/backup ~/running") == ""
    assert applied(deployed) == V2


def test_a_failed_backup_stops_everything_and_the_service_runs_again(deployed: Operator) -> None:
    before = image_id(deployed.host)
    deployed.sandbox.publish("v2")
    told = deployed.refused(1, "-f", migration(deployed, backup="echo no space left; exit 3"), "deploy")
    assert "the backup failed and nothing was migrated" in told
    assert f"the previous image {before[:15]} runs again" in told
    assert "  | no space left" in told
    assert applied(deployed) == V1
    assert container(deployed.host) == f"running {before}"


def test_commands_of_ones_own_in_a_container(deployed: Operator) -> None:
    file = migration(deployed, tool="command", check='test -n "$DATABASE_URL" && test -d galos_db', run="true")
    assert "pending   none" in deployed.done("-f", file, "pending")


def test_commands_of_ones_own_on_the_host(deployed: Operator) -> None:
    check = "test -e ~/migrated || { echo first; echo second; exit 1; }"
    run = """echo "it's $((1 + 1))"; test "$DATABASE_URL" && touch ~/migrated"""
    file = migration(deployed, tool="command", where="host", check=check, run=run)
    told = deployed.refused(5, "-f", file, "pending")
    assert "2 migrations" in told
    try:
        deployed.done("down")
        assert "it's 2" in deployed.done("-f", file, "migrate")
        deployed.done("-f", file, "pending")
    finally:
        deployed.host.shell("rm -f ~/migrated")


def test_a_check_that_crashes_is_unknown(deployed: Operator) -> None:
    file = migration(deployed, tool="command", check="echo what is this; exit 7", run="true")
    told = deployed.refused(5, "-f", file, "pending")
    assert "cannot tell whether migrations are pending" in told
    assert "  | what is this" in told
    told = deployed.refused(5, "-f", file, "deploy")
    assert container(deployed.host).startswith("running ")


def test_a_tool_that_is_not_in_the_image_is_unknown(deployed: Operator) -> None:
    told = deployed.refused(5, "-f", migration(deployed, tool="dbmate", arguments=""), "pending")
    assert "cannot tell" in told
    assert "dbmate" in told


@pytest.mark.violates("guard", "the configuration says that there are no migrations")
@pytest.mark.violates("checked", "so nothing is asked")
def test_no_migrations_at_all(ready: Operator) -> None:
    ready.sandbox.publish("v1")
    told = ready("-f", migration(ready, tool="none"), "deploy")
    assert told.returncode == 7, "v1 dies without its tables, and nothing may have created them"
    assert ready.sandbox.query("SELECT count(*) FROM pg_tables WHERE tablename = '_sqlx_migrations'") == "0"


def test_a_database_that_refuses_the_password_is_unknown_and_shows_no_password(deployed: Operator) -> None:
    deployed.host.shell("sed -i 's#galos:[^@]*@#galos:wr0ngPassword@#' ~/.env")
    told = deployed.refused(5, "pending")
    assert "password authentication failed" in told
    assert "wr0ngPassword" not in told
    told = deployed.refused(5, "deploy")
    assert "cannot tell whether migrations are pending" in told
