"""The SSH edge: the right host or nothing, every failure a sentence and an exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.integration.breaking import engine_stopped, undone
from tests.integration.conftest import ROOT, Operator

FAB = str(Path(sys.executable).with_name("fab"))


def fab(*words: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return processes.run([FAB, *words], cwd=cwd, env=processes.environment(environment))


@pytest.mark.parametrize("task", ["deploy", "setup", "ecr.check", "env.push", "up", "logs"])
def test_a_task_without_a_host_never_runs_here(task: str) -> None:
    result = fab(task)
    assert result.returncode == 2
    assert result.stderr == f"{task} runs on a Docker host, and none is named.\nnext: fab -H HOST {task}\n"


def test_inv_is_told_of_fab_which_can_name_a_host() -> None:
    inv = str(Path(sys.executable).with_name("inv"))
    result = subprocess.run(
        [inv, "-r", str(ROOT), "rollback", "--to", "a b"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == f"next: fab -r {ROOT} -H HOST rollback --to 'a b'"


def test_the_next_command_keeps_the_account_and_the_port(tmp_path: Path) -> None:
    (tmp_path / "ssh config").write_text("")
    config = str(tmp_path / "ssh config")
    told = fab("-S", config, "-H", "ann@127.0.0.1:9", "deploy", "--tag", "v2").stderr
    assert "127.0.0.1: cannot connect to ann@127.0.0.1 port 9." in told
    assert told.splitlines()[-1] == f"next: try: ssh -F '{config}' -p 9 ann@127.0.0.1"


def rewritten(operator: Operator, path: Path, **options: str) -> str:
    """The sandbox's ssh_config with some options changed."""
    lines = operator.sandbox.ssh_config.read_text().splitlines()
    for name, value in options.items():
        lines = [f"    {name} {value}" if line.split()[:1] == [name] else line for line in lines]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_an_unknown_host_key_stops_everything(ready: Operator, tmp_path: Path) -> None:
    config = rewritten(ready, tmp_path / "config", UserKnownHostsFile="/dev/null", StrictHostKeyChecking="no")
    result = fab("-S", config, "-H", "sandbox", "down", HOME=str(tmp_path))
    assert result.returncode == 3
    assert f"is not in known_hosts as [127.0.0.1]:{ready.host.port}; nothing was run." in result.stderr
    assert "SHA256:" in result.stderr


def test_a_changed_host_key_stops_everything(ready: Operator, tmp_path: Path) -> None:
    import paramiko

    other = paramiko.ECDSAKey.generate()
    known = tmp_path / "known_hosts"
    named = f"[127.0.0.1]:{ready.host.port}"
    known.write_text(f"{named} {other.get_name()} {other.get_base64()}\n")
    config = rewritten(ready, tmp_path / "config", UserKnownHostsFile=str(known))
    result = fab("-S", config, "-H", "sandbox", "down", HOME=str(tmp_path))
    assert result.returncode == 3
    assert "its SSH host key has changed" in result.stderr
    assert f"ssh-keygen -R '{named}'" in result.stderr


def test_a_host_that_is_not_there(ready: Operator, tmp_path: Path) -> None:
    config = rewritten(ready, tmp_path / "config", Port="1")
    result = fab("-S", config, "-H", "sandbox", "down")
    assert result.returncode == 3
    assert "sandbox: cannot connect to root@127.0.0.1 port 1." in result.stderr
    assert fab("-H", "nowhere.invalid", "down").returncode == 3


def test_a_key_that_the_host_does_not_know(ready: Operator, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    config = rewritten(ready, tmp_path / "config", IdentityFile=str(tmp_path / "key"))
    result = fab("-S", config, "-H", "sandbox", "down", HOME=str(tmp_path), SSH_AUTH_SOCK="")
    assert result.returncode == 3
    assert "refused our key or password" in result.stderr


def test_the_fleet_of_the_configuration_is_used_without_a_host_on_the_command_line(ready: Operator) -> None:
    ready.environment["FABRIC_GALOS_HOSTS"] = "sandbox, sandbox-user"
    words = [word for word in ready.command("ecr.helper") if word not in ("-H", "sandbox")]
    result = processes.run(words, env=ready.variables())
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("ecr.helper") == 2


def test_a_noisy_login_shell_is_named(ready: Operator) -> None:
    noisy = "cp /root/.bashrc /root/.bashrc.old && sed -i '1i echo hello there' /root/.bashrc"
    with undone(ready.host, noisy, "[ ! -e /root/.bashrc.old ] || mv /root/.bashrc.old /root/.bashrc"):
        for task in ("pull", "env.diff", "deploy"):
            told = ready.refused(8, task)
            assert "a start-up file of the login shell prints text of its own" in told
            assert "hello there" in told


def test_a_stopped_engine_is_named(ready: Operator) -> None:
    with engine_stopped(ready.host):
        told = ready.refused(8, "deploy")
    assert "the Docker engine does not answer" in told
    assert "Cannot connect to the Docker daemon" in told


def test_dry_of_fabric_is_refused_since_it_would_not_be_dry(ready: Operator) -> None:
    told = ready.refused(2, "--dry", "down")
    assert "would change the host all the same" in told


@pytest.mark.parametrize("words", [("logs", "--tail", "x"), ("deploy", "--wait", "-1"), ("deploy", "--tag", "a;b")])
def test_an_option_that_makes_no_sense_is_usage(ready: Operator, words: tuple[str, ...]) -> None:
    told = ready.refused(2, *words)
    assert words[1] in told
