"""The sandbox's own engine takes nothing of another one and leaves nothing; engines that it cannot use are refused."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from galos_ops.errors import NotReadyError
from sandbox import aws, engine, images, leftovers, ranges
from sandbox.docker import Docker
from sandbox.keys import Keys
from sandbox.machines import Container, contents
from sandbox.own_engine import VARIABLE, OwnEngine, command
from sandbox.sandbox import Sandbox
from sandbox.steps import Steps
from tests.processes import ROOT

DOCKER_S_CHOICE = r"br-[0-9a-f]{12}| (172|192\.168)\."  # what an engine's networks are called and take where none says
SERVE = "mkdir /srv/www; printf hello >/srv/www/index.html; exec busybox httpd -f -p 80 -h /srv/www"
SERVES = "until busybox wget -qO- http://127.0.0.1/ >/dev/null 2>&1; do sleep 0.1; done"


@pytest.fixture
def other() -> Docker:
    """The engine that every other test uses."""
    return engine.ensure(Steps())


@pytest.fixture
def own(other: Docker, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    """A second engine, that does not run yet."""
    if not engine.can_install() or other == Docker():
        pytest.skip("an engine of our own needs root on Debian")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv(VARIABLE, f"galos-{secrets.token_hex(4)}")
    own = OwnEngine.chosen()
    try:
        yield own
    finally:
        if own.pid:
            leftovers.remove(own.docker, list(leftovers.things(own.docker)))
            own.stop()
        engine.discard()


def copy(source: Docker, target: Docker, *tags: str) -> None:
    """Copy images from one engine to another."""
    with subprocess.Popen(["docker", "save", *tags], env=source.environment, stdout=subprocess.PIPE) as saving:
        subprocess.run(
            ["docker", "load", "--quiet"], env=target.environment, stdin=saving.stdout, check=True, capture_output=True
        )
    assert saving.returncode == 0


def runtime(docker: Docker) -> str:
    return images.ensure(docker, ["runtime"], Steps())["runtime"]


class Network:
    """Two containers that speak to each other, one of them published."""

    def __init__(self, docker: Docker, image: str) -> None:
        self.docker, self.image = docker, image
        self.name = f"galos-net-{secrets.token_hex(4)}"
        self.labels = leftovers.flags(leftovers.labels(self.name, Path("/nowhere"), temporary=True))
        docker.run("network", "create", *self.labels, self.name)
        serving = ("run", "--detach", "--name", self.name, "--network", self.name, "--network-alias", "alpha")
        docker.run(*serving, "--publish", "127.0.0.1::80", *self.labels, image, "sh", "-c", SERVE)
        docker.run("exec", self.name, "timeout", "60", "sh", "-c", SERVES)

    def works(self) -> bool:
        """Tell whether the name, the published port, and the way to this machine from a container work."""
        port = int(self.docker.run("port", self.name, "80").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as published:
            published.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b"hello" in published.makefile("rb").read()
        asking = ("run", "--rm", *self.labels, "--network", self.name, self.image)
        return self.docker.run(*asking, "busybox", "wget", "-qO-", "http://alpha/") == "hello"

    def remove(self) -> None:
        self.docker.run("rm", "--force", self.name)
        self.docker.run("network", "rm", self.name)


def firewall() -> list[str]:
    """Every chain and rule, without counters."""
    return [line for line in command("iptables-save").splitlines() if not line.startswith(("#", ":"))]


def bridge_of(docker: Docker, network: str) -> str:
    return f"br-{docker.run('network', 'inspect', '--format', '{{.Id}}', network)[:12]}"


def test_two_engines_live_side_by_side_and_stopping_ours_leaves_the_other_s_network(
    own: OwnEngine, other: Docker
) -> None:
    image = runtime(other)
    theirs = Network(other, image)
    bridge = bridge_of(other, theirs.name)
    try:
        devices = {name for name in os.listdir("/sys/class/net") if name in ("docker0", bridge)}
        rules = [rule for rule in firewall() if bridge in rule or "docker0" in rule]
        assert theirs.works()
        assert engine.ensure(Steps()) == own.docker != other
        copy(other, own.docker, image)
        ours = Network(own.docker, image)
        assert ours.works()
        assert theirs.works()
        inside = IPv4Network((own.data / "range").read_text().strip())
        assert not any(inside.overlaps(each) for each in ranges.taken(ours=f"{own.name}|br-[0-9a-f]{{12}}"))
        subnet = own.docker.run("network", "inspect", "--format", "{{range .IPAM.Config}}{{.Subnet}}{{end}}", ours.name)
        assert IPv4Network(subnet).subnet_of(inside)
        assert own.docker.ok("run", "--rm", image, "apt-get", "update", timeout=300)
        ours.remove()
        assert engine.stop_if_idle(own.docker)
        assert theirs.works()
        assert devices <= set(os.listdir("/sys/class/net"))
        assert [rule for rule in firewall() if bridge in rule or "docker0" in rule] == rules
    finally:
        theirs.remove()


def test_an_engine_that_was_killed_starts_again_with_its_addresses(own: OwnEngine) -> None:
    assert engine.ensure(Steps()) == own.docker
    before = (own.data / "range").read_text()
    pid = own.pid
    assert pid
    os.kill(pid, 9)
    while own.pid:
        pass
    assert engine.find() is None
    assert engine.ensure(Steps()) == own.docker
    assert (own.data / "range").read_text() == before
    assert len([rule for rule in firewall() if own.name in rule]) == 3
    assert engine.stop_if_idle(own.docker)
    engine.discard()
    assert not own.data.exists()
    assert own.name not in Path("/proc/self/mounts").read_text()


class Machine:
    """What of a machine the engine `own` can have changed, whatever the engine `other` does meanwhile."""

    def __init__(self, own: OwnEngine, other: Docker) -> None:
        theirs = self.bridges(other)
        links = json.loads(command("ip", "-json", "link"))
        theirs |= self.bridges(other)
        self.links = {
            link["ifname"] for link in links if link["ifname"] not in theirs and link.get("master") not in theirs
        }
        self.rules = {rule for rule in firewall() if not re.search(DOCKER_S_CHOICE, rule)}
        self.mounts = {line for line in Path("/proc/self/mounts").read_text().splitlines() if own.name in line}
        self.files = {
            str(path)
            for folder in ("/var/lib", "/run", "/run/lock", "/tmp", "/var/tmp", "/etc/docker")
            for path in Path(folder).glob("*")
            if own.name in path.name or f".{os.getpid()}." in path.name
        }
        self.processes = {
            path.parent.name
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if own.name in read(path) and path.parent.name != str(os.getpid())
        }
        self.on_other = {
            kind: set(
                other.run(*listing, "--quiet", "--no-trunc", "--filter", f"label={leftovers.LABEL}={own.name}").split()
            )
            for kind, listing in {"containers": ("ps", "--all"), "networks": ("network", "ls")}.items()
        }

    @staticmethod
    def bridges(docker: Docker) -> set[str]:
        return {f"br-{network[:12]}" for network in docker.run("network", "ls", "--quiet").split()}

    def more_than(self, before: Machine) -> dict[str, object]:
        """What there is now and was not before, by its kind."""
        new = {
            name: getattr(self, name) - getattr(before, name)
            for name in ("links", "rules", "mounts", "files", "processes")
        }
        return {name: more for name, more in new.items() if more}


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_down_with_its_images_leaves_nothing_on_the_machine(own: OwnEngine, other: Docker, tmp_path: Path) -> None:
    names = ["host-v2", "db", "aws", "runtime"]
    tags = [*images.ensure(other, names, Steps()).values(), images.base_tag("trixie")]
    before = Machine(own, other)
    assert engine.ensure(Steps()) == own.docker
    copy(other, own.docker, *tags)
    sandbox = Sandbox("whole", tmp_path / "sandbox", temporary=True)
    assert sandbox.up() is True  # builds the registry, with a network of its own engine's
    assert sandbox.host().shell("docker pull -q nowhere.invalid/x 2>&1; echo pulled").endswith("pulled")
    assert Machine(own, other).more_than(before).keys() >= {"links", "rules", "files", "processes"}
    assert sandbox.down(drop_images=True) is True
    assert Machine(own, other).more_than(before) == {}
    assert list(sandbox.directory.iterdir()) == []
    assert sandbox.down(drop_images=True) is False


def test_an_engine_that_does_not_publish_on_this_machine_is_refused(
    own: OwnEngine, other: Docker, tmp_path: Path
) -> None:
    """An engine in a network namespace of its own, as one in a container with a shared socket is."""
    tag = images.ensure(other, ["registry"], Steps())["registry"]
    ports = "echo 50000 50999 >/proc/sys/net/ipv4/ip_local_port_range"  # none that an engine here publishes, too
    start = "from sandbox.own_engine import OwnEngine as e; e.chosen().start()"
    script = f"ip link set lo up && {ports} && exec \"$0\" -c '{start}'"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(["unshare", "--net", "sh", "-c", script, sys.executable], env=environment, check=True)
    copy(other, own.docker, tag)
    sandbox = Sandbox("afar", tmp_path / "sandbox", temporary=True)
    labels = leftovers.labels(sandbox.id, sandbox.directory, temporary=True)
    own.docker.run("network", "create", *leftovers.flags(labels), f"galos-{sandbox.id}")
    registry = Container(own.docker, sandbox.id, "registry")
    keys = Keys.new(aws.NAMES)
    keys.save(sandbox.keys_file)
    registry.create(tag, contents("registry", keys), labels)
    registry.start()
    refused = pytest.raises(NotReadyError, match="the engine does not publish it on this machine's 127")
    with refused as raised:
        sandbox.require_loopback()
    assert "\nnext: use a Docker engine that shares this machine's network" in str(raised.value.message)
    with another_registry(sandbox.found()["registry"].port, tmp_path), refused as raised:
        sandbox.require_loopback()
    assert "CERTIFICATE_VERIFY_FAILED" in raised.value.message
    sandbox.down()


@contextlib.contextmanager
def another_registry(port: int, folder: Path) -> Iterator[None]:
    """What answers at the port with the certificate of another sandbox."""
    keys = Keys.new(aws.NAMES)
    chain = folder / "chain.pem"
    chain.write_text(keys.certificate + keys.certificate_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with socket.create_server(("127.0.0.1", port)) as listening:

        def answer() -> None:
            link, _ = listening.accept()
            with contextlib.suppress(ssl.SSLError):  # our client turns away
                context.wrap_socket(link, server_side=True)
            link.close()

        serving = threading.Thread(target=answer)
        serving.start()
        yield
        serving.join()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:2375", "tcp://docker:2376", "ssh://root@build.example"])
def test_an_engine_elsewhere_is_refused_before_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(NotReadyError) as raised:
        Sandbox("refused", tmp_path).up()
    assert raised.value.sentence == (
        f"the Docker engine is at {address}: the sandbox needs one of this machine, at a Unix socket"
    )
    assert "next: unset DOCKER_HOST" in str(raised.value.message)


def test_an_engine_of_another_processor_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the engine's API there is what `docker info` asks for, as an engine on arm64 answers it."""
    path = tmp_path / "docker.sock"
    with socket.create_server(str(path), family=socket.AF_UNIX) as listening:

        def serve() -> None:
            while True:
                try:
                    link, _ = listening.accept()
                except OSError:
                    return
                with link, link.makefile("rb") as asked:
                    request = asked.readline()
                    while asked.readline().strip():
                        pass
                    body = b'{"OSType": "linux", "Architecture": "aarch64"}' if b"/info" in request else b"OK"
                    head = f"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nConnection: close\r\nContent-Length: {len(body)}"
                    link.sendall(f"{head}\r\n\r\n".encode() + (b"" if request.startswith(b"HEAD") else body))

        server = threading.Thread(target=serve)
        server.start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises(NotReadyError) as raised:
            Sandbox("refused", tmp_path).up()
        listening.shutdown(socket.SHUT_RDWR)
        server.join()
    sentence = "the Docker engine is linux/aarch64: the sandbox is made of programs for linux/x86_64"
    assert raised.value.sentence == sentence
