"""While secrets are in play: the process lists of both ends, every output, the host's disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Case

LISTEN = (
    "while [ -e /tmp/listen ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; done | grep -cFf /tmp/secret"
)

EVENTS = "/var/log/docker-events.jsonl"
"""The judge's record since the host was made, which has the command of every `docker exec`, of other tests too."""


@contextmanager
def overheard(case: Case, secret: str) -> Iterator[list[str]]:
    """Read every command line on both ends meanwhile; the list then holds those that had the secret."""
    found: list[str] = []
    host, over = case.operator.host, threading.Event()

    def there() -> None:
        if host.shell(LISTEN, check=False) != "0":
            found.append("on the host")

    def here() -> None:
        while not over.wait(0.01):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if secret.encode() in path.read_bytes():
                        found.append("on this machine")
                except OSError:  # it ended
                    continue

    listeners = [threading.Thread(target=there), threading.Thread(target=here)]
    try:
        host.execute(["sh", "-c", "cat >/tmp/secret && touch /tmp/listen"], stdin=secret)
        for one in listeners:
            one.start()
        yield found
    finally:
        over.set()
        host.shell("rm -f /tmp/listen")
        for one in listeners:
            if one.is_alive():
                one.join()
        host.shell("rm -f /tmp/secret")


def test_the_ear_hears_a_secret_on_a_command_line(case: Case) -> None:
    with overheard(case, "n0tASecret") as found:
        case.operator.host.shell("sleep 1; : n0tASecret; sleep 1")
    assert "on the host" in found


@pytest.mark.parametrize("flag", ["-e", "-d"])
def test_a_deploy_with_a_migration_and_a_backup_shows_no_password(case: Case, flag: str) -> None:
    operator, password = case.operator, case.operator.sandbox.keys.password
    backup = {"services": {"galos-sync": {"migration": {"backup": 'test -n "$DATABASE_URL" && echo "$DATABASE_URL"'}}}}
    known = int(operator.host.shell(f"stat -c %s {EVENTS}"))
    with overheard(case, password) as found:
        result = operator(flag, "-f", operator.configured(backup), "env.push", "deploy")
    assert result.returncode == 0, result.stdout + result.stderr
    assert found == []
    assert "postgresql://galos:***@db/" in result.stdout
    assert password not in result.stdout + result.stderr
    operator.host.execute(["sh", "-c", "cat >/tmp/secret"], stdin=password)
    places = "/root /home /tmp /var/tmp /var/log /etc"  # not /run/docker: Docker keeps a container's environment there
    found_in = operator.host.shell(f"grep -rlFf /tmp/secret {places} 2>/dev/null", check=False).split()
    ours = [path for path in found_in if path not in ("/tmp/secret", EVENTS) and not path.endswith(".tar")]  # fixtures'
    assert ours == ["/root/.env"]
    assert operator.host.shell(f"tail -c +{known + 1} {EVENTS} | grep -cFf /tmp/secret", check=False) == "0"
    operator.host.shell("rm /tmp/secret")
