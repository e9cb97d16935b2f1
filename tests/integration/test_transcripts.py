"""The transcripts and commands of the pages, typed in a project as `galos-ops init` writes one: what a person sees.

Those of docs/tutorial.md are in test_tutorial.py; tests/unit/test_transcripts.py holds that none is left out.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import FLAVOURS, Operator, wipe
from tests.integration.gate import gated
from tests.integration.reader import Reader
from tests.integration.test_dry_run import held
from tests.integration.test_services import MAP, two
from tests.transcripts import code

__all__ = ["two"]

FLEET = {f"galos-{number}": name for number, name in enumerate((FLAVOURS[one] for one in ("v2", "v1", "v5")), 1)}


def test_the_pages_show_a_host_that_is_set_up_and_its_releases(bare: Operator, tmp_path: Path) -> None:
    host, sandbox, reader = bare.host, bare.sandbox, Reader(bare, tmp_path)
    host.shell("apt-get purge -qy amazon-ecr-credential-helper")
    reader.shows("docs/setup.md#ecrhelper", exit=8)
    reader.shows("docs/setup.md#the-run")
    reader.shows("docs/setup.md#an-ec2-instance-role-instead-of-keys")

    own = {name: (tmp_path / name).read_text() for name in ("fabfile.py", "fabfile.yml", ".env")}
    [library] = code("docs/library.md#tasks-in-a-task-of-your-own", "python")
    reader.write("fabfile.py", library)
    reader.shows("docs/library.md#tasks-in-a-task-of-your-own")
    reader.write("fabfile.py", own["fabfile.py"])

    reader.write(".env", own[".env"] + "RUST_LOG=info\n")
    reader.shows("docs/env.md#change-env")
    reader.write(".env", "RUST_LOG=info\nDATABASE_URL=postgresql://<<hostname>>/elite_development\nLOG=a$b\n")
    reader.shows("docs/env.md#what-is-refused", exit=2)
    reader.write(".env", own[".env"])

    sandbox.publish("v2")
    reader.done("fab -H galos-1 pull")
    reader.shows("docs/status.md#status", exit=5)
    reader.shows("docs/dry-run.md#see-what-would-be-done")
    [*_, nightly] = code("docs/library.md#without-fab", "python")
    reader.write("nightly.py", nightly)
    reader.shows("docs/library.md#without-fab")
    host.shell("rm ~/.aws/config; sed -i 's/^DATABASE_URL=.*/&?application_name=galos/' ~/.env")
    reader.shows("docs/dry-run.md#files")
    reader.done("fab -H galos-1 setup")

    [backup] = code("docs/deploy.md#backup", "yaml")
    reader.write("fabfile.yml", backup)
    reader.shows("docs/deploy.md#backup", exit=1)
    reader.write("fabfile.yml", own["fabfile.yml"])
    reader.shows("docs/deploy.md#deploy-a-release")
    reader.shows("docs/deploy.md#json-for-ci")
    reader.shows("docs/dry-run.md#json")
    reader.shows("docs/rollback.md#after-a-migration", exit=5)
    reader.shows("docs/status.md#ecrimages")
    with held(host):
        reader.shows("docs/deploy.md#two-deploys-at-once", exit=4)
    reader.shows("docs/deploy.md#hold", exit=4)
    reader.done("fab -H galos-1 hold --end stop")
    host.shell("chmod 644 ~/.env; sed -i s/eu-central-1/eu-west-1/ ~/.aws/config")
    reader.shows("docs/doctor.md#the-doctor", exit=8)


@pytest.mark.violates(
    "checked", "another release than the one that failed to migrate is deployed, which had nothing pending"
)
def test_the_pages_show_releases_that_fail(ready: Operator, tmp_path: Path) -> None:
    sandbox, reader = ready.sandbox, Reader(ready, tmp_path)
    reader.done("fab -H galos-1 deploy")
    sandbox.publish("v2")
    reader.done("fab -H galos-1 deploy")
    sandbox.publish("broken-migration")
    reader.shows("docs/deploy.md#a-migration-that-fails", exit=6)
    reader.shows("docs/failed-migration.md#now", exit=6)
    reader.shows("docs/output.md#github-actions", exit=6)
    sandbox.publish("v3")
    reader.shows("docs/output.md#in-a-file-a-pipe-any-ci")
    reader.shows("docs/status.md#history")
    sandbox.publish("crashing")
    reader.shows("docs/deploy.md#a-container-that-does-not-stay-up", exit=7)
    reader.shows("docs/deploy.md#another-tag")
    with gated(sandbox) as gate:
        reader.interrupted("docs/deploy.md#when-the-client-dies-or-you-press-ctrl-c", gate)
    ssh, _, by_hand = code("docs/troubleshooting.md#by-hand-on-the-host", "sh")[0].partition("\n")
    assert ssh == "ssh HOST"
    newest = ready.host.shell(f"set -e\n{by_hand}").splitlines()[-1]
    assert json.loads(newest)["event"] == "migrate"
    reader.done("fab -H galos-1 deploy")


def test_the_commands_of_the_pages_do_what_is_said_of_them(deployed: Operator, tmp_path: Path) -> None:
    reader = Reader(deployed, tmp_path)
    reader.write("local.sql", "select 'é';\n")
    reader.types("docs/exec.md#a-command-in-a-container")
    assert (tmp_path / "back.sql").read_text() == "select 'é';\n"
    deployed.sandbox.publish("v2")
    reader.operator.environment["DEPLOY_HOST"] = "galos-1"
    install, _, job = code("docs/ci.md#other-services", "sh")[0].partition("\n")
    assert install == "pip install ."
    reader.done(job)
    assert json.loads((tmp_path / "report.json").read_text())["task"] == "deploy"
    reader.types("docs/exit-codes.md#exit-codes")


@pytest.mark.skipif(not shutil.which("jq"), reason="there is no jq on this machine")
def test_the_commands_of_the_pages_that_pipe_into_jq_tell_what_they_say(deployed: Operator, tmp_path: Path) -> None:
    reader = Reader(deployed, tmp_path)
    assert reader.types("docs/json.md#json-documents") == "galos-sync running\n"
    assert reader.types("docs/status.md#in-a-script") == ""
    deployed.sandbox.publish("v2")
    reader.done("fab -H galos-1 pull")
    assert reader.types("docs/status.md#in-a-script") == "look at galos-1\n"


def test_the_commands_of_the_pages_for_several_hosts_do_what_is_said_of_them(bare: Operator, tmp_path: Path) -> None:
    for name in FLEET.values():
        wipe(bare.sandbox.host(name))
    reader = Reader(bare, tmp_path, FLEET)
    reader.write("production.env", (tmp_path / ".env").read_text())
    reader.write("careful.yml", code("docs/configuration.md#what-overrides-what", "yaml")[0])
    reader.write("fabfile.yml", code("docs/fleet.md#several-hosts-one-database", "yaml")[0])
    reader.done("fab setup")
    reader.types("docs/fleet.md#several-hosts-one-database")
    reader.types("docs/configuration.md#what-overrides-what")


def test_the_commands_of_the_pages_for_several_services_do_what_is_said_of_them(two: Operator, tmp_path: Path) -> None:
    reader = Reader(two, tmp_path)
    reader.write("fabfile.yml", json.dumps({"galos": MAP}))
    reader.types("docs/services.md#several-services-on-one-host")
    assert "galos-map" not in two.host.shell("docker ps --format '{{.Names}}'")
