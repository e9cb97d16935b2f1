"""known_hosts as people have them, before a real sshd: the right host or one sentence, and nothing was run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import paramiko
import pytest

from tests.integration.conftest import Operator

SPOILED = (
    "{name}",
    "{name} ssh-ed25519 %%%%",
    "{name} ssh-ed25519 AAAA",
    "{name} ssh-unknown AAAAC3NzaC1lZDI1NTE5AAAAIJ7DcyvTmAR5HVi2ZdH3PQ2ZbqHRM5eGHvNTIdbGFOLm",
    "@sign-authority {name} ssh-ed25519 AAAA",
    "@revoked",
    "\ufeffnonsense \x00 \u2028",
)


class Doctor:
    """An operator whose `ssh_config` names a known_hosts file of a test's own; `keys` are those of the host by type."""

    def __init__(self, operator: Operator, folder: Path) -> None:
        self.operator, self.folder = operator, folder
        self.name = f"[127.0.0.1]:{operator.host.port}"
        rows = (line.split() for line in operator.host.host_keys().splitlines())
        self.keys = {row[0]: f"{row[0]} {row[1]}" for row in rows}
        self.file = folder / "known_hosts"
        self.config = folder / "ssh_config"
        self.write_config()

    def write_config(self, text: str = "") -> None:
        mine = text or self.operator.sandbox.ssh_config.read_text()
        kept = [line for line in mine.splitlines() if "UserKnownHostsFile" not in line]
        here = f'Host *\n    UserKnownHostsFile "{self.file}"\n    GlobalKnownHostsFile /dev/null\n'
        self.config.write_text("\n".join(kept) + "\n" + here)

    def __call__(self, *lines: str, login: str = "sandbox") -> subprocess.CompletedProcess[str]:
        """Run `fab logs` with a known_hosts of these lines."""
        self.file.write_text("".join(f"{line.format(name=self.name)}\n" for line in lines))
        fab = str(Path(sys.executable).with_name("fab"))
        words = [fab, "-S", str(self.config), "-H", login, "logs", "--tail", "1"]
        variables = {**self.operator.variables(), "HOME": str(self.folder)}
        return subprocess.run(words, env=variables, capture_output=True, text=True, check=False, timeout=60)

    def ssh(self) -> int:
        """The exit code of ssh itself with the same files."""
        words = ["ssh", "-F", str(self.config), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "sandbox", "true"]
        return subprocess.run(words, capture_output=True, check=False, timeout=60).returncode


@pytest.fixture
def doctor(ready: Operator, tmp_path: Path) -> Doctor:
    return Doctor(ready, tmp_path)


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """What was said of a connection that ended before anything was run."""
    assert result.returncode == 3, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert "nothing was run." in result.stderr
    return result.stderr


def test_spoiled_lines_and_markers_hide_no_good_line(doctor: Doctor) -> None:
    result = doctor(*SPOILED, f"@cert-authority * {doctor.keys['ssh-ed25519']}", "{name} " + doctor.keys["ssh-ed25519"])
    assert result.returncode == 0, result.stderr
    assert doctor.ssh() == 0
    assert "is not in known_hosts as [127.0.0.1]" in refused(doctor(*SPOILED))


def test_a_revoked_key_is_refused_also_where_another_line_knows_it(doctor: Doctor) -> None:
    known = ["{name} " + key for key in doctor.keys.values()]
    revoked = [f"@revoked * {key}" for key in doctor.keys.values()]
    told = refused(doctor(*known, *revoked))
    assert "sandbox: its SSH host key " in told
    assert f"is revoked in {doctor.file} line " in told
    assert doctor.ssh() != 0
    assert doctor(*known, f"@revoked *.example.org {doctor.keys['ssh-ed25519']}").returncode == 0


def test_a_host_that_only_an_authority_vouches_for_is_one_sentence(doctor: Doctor) -> None:
    told = refused(doctor(f"@cert-authority *,[*]:* {doctor.keys['ssh-ed25519']}"))
    assert f"only the certificate authority in {doctor.file} line 1 vouches for its SSH host key" in told
    assert f"ssh-keyscan -p {doctor.operator.host.port} 127.0.0.1" in told


@pytest.mark.parametrize("key_type", ["ecdsa-sha2-nistp256", "ssh-ed25519"])
def test_a_host_known_by_one_type_is_asked_for_that_type(doctor: Doctor, key_type: str) -> None:
    result = doctor("{name} " + doctor.keys[key_type])
    assert result.returncode == 0, result.stderr


def test_one_of_several_keys_of_a_type_is_enough(doctor: Doctor) -> None:
    old = paramiko.ECDSAKey.generate()
    stale = f"{{name}} {old.get_name()} {old.get_base64()}"
    assert doctor(stale, "{name} " + doctor.keys["ecdsa-sha2-nistp256"]).returncode == 0
    told = refused(doctor(stale))
    assert f"its SSH host key has changed (known: ecdsa-sha2-nistp256 {old.fingerprint}, offered: " in told
    assert f"ssh-keygen -R '{doctor.name}' -f {doctor.file}" in told


def test_patterns_hashed_names_and_names_without_the_port_are_known(doctor: Doctor) -> None:
    key = doctor.keys["ssh-ed25519"]
    for line in (f"127.0.0.? {key}", f"[127.*]:*,!other {key}"):
        assert doctor(line).returncode == 0
        assert doctor.ssh() == 0
    doctor.file.write_text(f"{doctor.name} {key}\n")
    subprocess.run(["ssh-keygen", "-H", "-f", str(doctor.file)], check=True, capture_output=True)
    hashed = doctor.file.read_text().strip()
    assert doctor(hashed).returncode == 0
    stale = paramiko.ECDSAKey.generate()
    told = refused(doctor(f"127.0.0.? {stale.get_name()} {stale.get_base64()}"))
    assert f"only if the host was reinstalled: take the host out of {doctor.file} line 1" in told


def test_an_alias_is_the_name_that_counts(doctor: Doctor) -> None:
    text = doctor.operator.sandbox.ssh_config.read_text()
    doctor.write_config(text.replace("Host sandbox\n", "Host sandbox\n    HostKeyAlias Galos-One\n", 1))
    assert doctor("galos-one " + doctor.keys["ssh-ed25519"]).returncode == 0
    assert doctor.ssh() == 0
    assert "is not in known_hosts as galos-one" in refused(doctor("{name} " + doctor.keys["ssh-ed25519"]))


def test_the_key_of_a_gateway_is_judged_as_well(doctor: Doctor) -> None:
    """`inner` is the host's own sshd again, reached through the host."""
    inner = "Host inner\n    HostName 127.0.0.1\n    Port 22\n    User root\n    ProxyJump sandbox\n"
    key = doctor.operator.sandbox.state / "ssh_key"
    doctor.write_config(doctor.operator.sandbox.ssh_config.read_text() + inner + f'    IdentityFile "{key}"\n')
    keys = list(doctor.keys.values())
    both = [f"127.0.0.1,{{name}} {key}" for key in keys]
    result = doctor(*both, login="inner")
    assert result.returncode == 0, result.stderr
    told = refused(doctor(*both, *(f"@revoked {{name}} {key}" for key in keys), login="inner"))
    assert "sandbox: its SSH host key " in told
    told = refused(doctor(*(f"{{name}} {key}" for key in keys), login="inner"))
    assert "inner: its SSH host key " in told


PROJECT = """
import sys
from fabric import Config, Connection
from galos_ops.config.command_line import CommandLine
from galos_ops.errors import OpsError
from galos_ops.host.host import Host
import paramiko

config = Config(runtime_ssh_path=sys.argv[1])
connection = Connection("inner", config=config)
connection.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
connection.gateway.open() if sys.argv[2] == "gateway" else connection.open()
try:
    with Host(connection, CommandLine("inner", "deploy")) as host:
        print(host.run("echo was run", doing="look").stdout)
except OpsError as error:
    print(error.message)
    raise SystemExit(error.code)
"""


@pytest.mark.parametrize("opened", ["gateway", "connection"])
def test_what_somebody_else_opened_is_judged_with_its_gateway(doctor: Doctor, opened: str) -> None:
    inner = "Host inner\n    HostName 127.0.0.1\n    Port 22\n    User root\n    ProxyJump sandbox\n"
    identity = doctor.operator.sandbox.state / "ssh_key"
    doctor.write_config(doctor.operator.sandbox.ssh_config.read_text() + inner + f'    IdentityFile "{identity}"\n')
    words = [sys.executable, "-c", PROJECT, str(doctor.config), opened]

    def told(*lines: str) -> str:
        doctor.file.write_text("".join(f"{line}\n" for line in lines))
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout

    inside = [f"127.0.0.1 {key}" for key in doctor.keys.values()]
    outside = [f"{doctor.name} {key}" for key in doctor.keys.values()]
    assert "was run" in told(*inside, *outside)
    revoked = [f"@revoked {doctor.name} {key}" for key in doctor.keys.values()]
    assert "sandbox: its SSH host key " in told(*inside, *outside, *revoked)
