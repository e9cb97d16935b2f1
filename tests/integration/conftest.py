"""A sandbox of its own for the tests, a `fab` as a person types it, and a look at the host from outside."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws import DATABASE
from sandbox.catalogue import REPOSITORY
from sandbox.host import Host
from sandbox.sandbox import Sandbox
from tests import bring_up, processes
from tests.integration import restore
from tests.judge import Judge
from tests.judge.plugin import pytest_runtest_call

__all__ = ["pytest_runtest_call"]

ROOT = processes.ROOT
FLAVOURS = bring_up.FLAVOURS
REFERENCE = "261923651564.dkr.ecr.eu-central-1.amazonaws.com/galos-sync"
LEFTOVERS = ".aws .docker .ecr .env .galos-ops docker-compose.yml"
SAVES = os.environ.get("TEST_SAVES") != "no"
HOMES = {"root": "/root", "galos": "/home/galos", "asker": "/home/asker"}


@pytest.fixture(autouse=True)
def measured_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the `fab`s of a test with its first parameters only: the others go through the same lines."""
    parameters = getattr(request.node, "callspec", None)
    if parameters and any(parameters.indices.values()):
        leave_out_coverage(monkeypatch)


def leave_out_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each `fab` without coverage, which takes 0.14 of 0.4 s that it computes."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)


@dataclass
class Operator:
    """Types `fab` at one host, from the checkout, in the sandbox's environment."""

    sandbox: Sandbox
    host: Host
    login: str
    environment: dict[str, str] = field(default_factory=dict)
    root: Path = ROOT
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self.judge = Judge(self.sandbox, self.host)

    def __call__(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run `fab WORDS` and return what it left behind."""
        return processes.run(self.command(*words), env=self.variables(), stdin=stdin)

    def start(self, *words: str, ssh_config: Path | None = None) -> subprocess.Popen[str]:
        """Start `fab WORDS`; its output, both streams as one, can be read while it runs."""
        command = self.command(*words)
        if ssh_config:
            command[command.index("-S") + 1] = str(ssh_config)
        return processes.start(command, env=self.variables())

    def command(self, *words: str) -> list[str]:
        fab = str(Path(sys.executable).with_name("fab"))
        return [fab, "-r", str(self.root), "-S", str(self.sandbox.ssh_config), "-H", self.login, *words]

    def next(self, *words: str) -> str:
        """The command `fab WORDS` as an error tells a person to type it."""
        return shlex.join(["fab", *self.command(*words)[1:]])

    def variables(self) -> dict[str, str]:
        quick = {"FABRIC_GALOS_VERIFY_SECONDS": "1"}
        return processes.environment({**quick, **self.sandbox.environment, **self.environment})

    def configured(self, galos: dict[str, Any]) -> str:
        """A file for `fab -f` with this `galos:` tree."""
        path = self.sandbox.directory / "fabric.json"
        path.write_text(json.dumps({"galos": galos}))
        return str(path)

    def done(self, *words: str) -> str:
        """Run a command that must succeed; returns its output."""
        result = self(*words)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def refused(self, code: int, *words: str) -> str:
        """Run a command that must end with this exit code, without a traceback; returns what it told of it."""
        result = self(*words)
        assert result.returncode == code, result.stdout + result.stderr
        assert "Traceback" not in result.stdout + result.stderr
        return result.stderr


def wipe(host: Host) -> None:
    """Take a host back to what it was before anybody set it up, the credential helper and the shared layer there."""
    restore.host(host)


CONTAINER = """docker ps -aq --filter label=com.docker.compose.service=galos-sync \\
    --filter label=com.docker.compose.oneoff=False | xargs -r docker inspect -f '{{.State.Status}} {{.Image}}'"""
IMAGE_ID = f"docker image inspect -f '{{{{.Id}}}}' {REFERENCE}:latest"


def container(host: Host) -> str:
    """`STATE IMAGE-ID` of the service's container, nothing where there is none."""
    return host.shell(CONTAINER)


def image_id(host: Host, tag: str = "latest") -> str:
    return host.shell(f"docker image inspect -f '{{{{.Id}}}}' {REFERENCE}:{tag}")


def fresh(sandbox: Sandbox, name: str) -> Host:
    """A wiped host, an empty database, and v1 as latest; whatever else a test took is given back, too."""
    restore.everything(sandbox, name, FLAVOURS.values())
    publish_v1(sandbox)
    return sandbox.host(name)


def publish_v1(sandbox: Sandbox) -> None:
    """Make v1 latest again, unless no test has published anything since."""
    v1, latest = sandbox.registry.images(REPOSITORY, ["v1", "latest"])
    if v1["imageDigest"] != latest["imageDigest"]:
        sandbox.publish("v1")


@pytest.fixture(params=sorted(FLAVOURS))
def any_compose(request: pytest.FixtureRequest, sandbox: Sandbox) -> Operator:
    """An operator at a bare host of each docker-compose."""
    name = FLAVOURS[request.param]
    return Operator(sandbox, fresh(sandbox, name), name)


@pytest.fixture
def bare(sandbox: Sandbox) -> Operator:
    """An operator at a bare host with docker-compose v2."""
    return Operator(sandbox, fresh(sandbox, "sandbox"), "sandbox")


@pytest.fixture
def ready(bare: Operator) -> Operator:
    """An operator at a host that is set up, nothing deployed yet."""
    saved = Saved(bare, "ready")
    if saved.exists():
        bare.host.shell(saved.bring_back)
    else:
        bare.done("setup")
        if SAVES:
            bare.host.shell(saved.save)
    return bare


@pytest.fixture
def deployed(bare: Operator, request: pytest.FixtureRequest) -> Operator:
    """An operator at a host where v1 runs: the same one whether this test or an earlier one made it."""

    def deploy() -> None:
        request.getfixturevalue("ready").done("deploy")

    kept([bare], "deployed", deploy)
    return bare


def kept(operators: Sequence[Operator], name: str, make: Callable[[], object]) -> None:
    """Make wiped hosts what `make` makes them, on one database: by that, or out of what it left for an earlier test."""
    sandbox, states = operators[0].sandbox, [Saved(each, name) for each in operators]
    known = states[0].database in restore.saved[sandbox.id] and all(each.exists() for each in states)
    if not known:
        make()
        if SAVES:
            for one in operators:
                one.host.shell("cd && docker-compose stop")
            sandbox.database(states[0].database, template=DATABASE)
            for each in states:
                each.operator.host.shell(each.save)
                wipe(each.operator.host)
    back = known or SAVES
    if back:
        sandbox.database(template=states[0].database)
    for each in states:
        running = f"{each.bring_back} && docker-compose up -d && " if back else ""
        each.operator.host.shell(f"{running}docker tag {REFERENCE}:latest galos-ops/galos-sync:2000-01-01T000000Z")


@dataclass
class Saved:
    """What slow commands left in the home and the database of a host, kept on both for the next test.

    The AWS key is part of the name: a test that renews it makes what was kept before worthless. Where $TEST_SAVES is
    "no", nothing is kept for a later run: what is under test may not be the library as it is.
    """

    operator: Operator
    name: str

    @property
    def database(self) -> str:
        return f"saved_{self.name}"

    @property
    def path(self) -> str:
        puller = self.operator.sandbox.keys.puller
        return f"{restore.KEPT}/{self.name}-{puller.id if puller else 'none'}.tar"

    @property
    def save(self) -> str:
        return f"cd && tar -cf {self.path} $(ls -d {LEFTOVERS} 2>/dev/null)"

    @property
    def bring_back(self) -> str:
        return f"cd && tar -xf {self.path}"

    def exists(self) -> bool:
        """Tell whether the host had it when it was made what it was for this test."""
        return Path(self.path).name in restore.kept[self.operator.host.container.name]
