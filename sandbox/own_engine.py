"""A Docker engine of our own on a bare Debian: its paths, bridge, addresses and firewall rules are nobody else's.

It makes no firewall chain: those of two engines have the same names, and each empties the other's (dockerd's
`--iptables`). What its containers need are three rules of ours, known by their comment.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from galos_ops.errors import CommandFailed, NotReadyError, UsageError
from sandbox import ranges
from sandbox.docker import Docker

DEFAULT = "galos-sandbox"
VARIABLE = "GALOS_SANDBOX_ENGINE"
PACKAGES = ("docker.io", "docker-cli", "iptables", "iproute2")
END_SECONDS = 60.0


@dataclass(frozen=True)
class OwnEngine:
    """The engine of our own with this name, which is its bridge's too; it may run or not."""

    name: str = DEFAULT

    @classmethod
    def chosen(cls) -> OwnEngine:
        """The one that $GALOS_SANDBOX_ENGINE names, else the one of every checkout on this machine."""
        name = os.environ.get(VARIABLE) or DEFAULT
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,14}", name):  # 15 characters: what a network device's name may have
            raise UsageError(f"{VARIABLE}={name} is no name", hint="take at most 15 of a-z, 0-9 and -")
        return cls(name)

    @property
    def data(self) -> Path:
        """What outlives a reboot: images and containers."""
        return Path("/var/lib", self.name)

    @property
    def run(self) -> Path:
        """What lives as long as the engine runs: its socket and PID file."""
        return Path("/run", self.name)

    @property
    def docker(self) -> Docker:
        """The way to it."""
        return Docker(f"unix://{self.run / 'docker.sock'}")

    @property
    def log(self) -> Path:
        """What it writes."""
        return self.data / "dockerd.log"

    @property
    def pid(self) -> int | None:
        """The process of it, None where it doesn't run."""
        try:
            pid = int((self.run / "docker.pid").read_text())
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except (OSError, ValueError):
            return None
        return pid if name == "dockerd" and running(pid) else None

    def start(self) -> None:
        """Start it, detached, and wait until it answers.

        An engine that was killed while it made or removed a network can leave a record of it on which the next start
        panics (libnetwork in Docker 20.10); then the records are dropped and it starts once more.
        """
        records = self.data / "docker" / "network" / "files" / "local-kv.db"
        if not self.launch() and records.exists():
            records.unlink()
            self.launch()
        if not self.docker.answers():
            text = self.log.read_text(errors="replace")
            raise NotReadyError(f"dockerd does not answer, its log is {self.log}", evidence=text)

    def launch(self) -> bool:
        """Run dockerd in a session of its own; tells whether it answered before it ended or half a minute was over."""
        self.data.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        network = self.claim()
        self.connect(network)
        pool = list(network.subnets(new_prefix=17))[1]
        command = [
            "dockerd",
            f"--host={self.docker.host}",
            f"--pidfile={self.run / 'docker.pid'}",
            f"--data-root={self.data / 'docker'}",
            f"--exec-root={self.run / 'exec'}",
            f"--bridge={self.name}",
            f"--default-address-pool=base={pool},size=24",
            "--iptables=false",
        ]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        for _ in range(300):
            if self.docker.answers():
                return True
            if process.poll() is not None:
                return False
            time.sleep(0.1)
        return False

    def claim(self) -> IPv4Network:
        """The addresses of its networks: those that it had before unless something else took them, else free ones."""
        record = self.data / "range"
        taken = ranges.taken(ours=f"{re.escape(self.name)}|br-[0-9a-f]{{12}}")
        with contextlib.suppress(OSError, ValueError):
            kept = IPv4Network(record.read_text().strip())
            if not any(kept.overlaps(each) for each in taken):
                return kept
        network = ranges.free(ranges.taken())
        record.write_text(f"{network}\n")
        return network

    def connect(self, network: IPv4Network) -> None:
        """Make its bridge, and let its networks reach each other and the world, but not the world them."""
        self.disconnect()
        first = next(next(network.subnets(new_prefix=24)).hosts())
        command("ip", "link", "add", "name", self.name, "type", "bridge")
        command("ip", "address", "add", f"{first}/24", "dev", self.name)
        command("ip", "link", "set", self.name, "up")
        inside = str(network)
        for table, chain, *match in (
            ("nat", "POSTROUTING", "-s", inside, "!", "-d", inside, "-j", "MASQUERADE"),
            ("filter", "FORWARD", "-s", inside, "-j", "ACCEPT"),
            ("filter", "FORWARD", "-d", inside, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"),
        ):
            comment = ("-m", "comment", "--comment", self.name)
            command("iptables", "-w", "-t", table, "-I", chain, *match[:-2], *comment, *match[-2:])

    def disconnect(self) -> None:
        """Remove its bridge and its rules, found by their comment."""
        if not shutil.which("ip") or not shutil.which("iptables"):
            return
        for table in ("nat", "filter"):
            for rule in command("iptables", "-w", "-t", table, "-S").splitlines():
                if re.search(rf'--comment "?{re.escape(self.name)}"?(\s|$)', rule):
                    command("iptables", "-w", "-t", table, "-D", *rule.replace('"', "").split()[1:])
        if Path("/sys/class/net", self.name).exists():
            command("ip", "link", "delete", self.name)

    def stop(self) -> None:
        """Stop it and wait until it is gone; nothing of it is left but what outlives a reboot."""
        pid = self.pid
        if pid:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + END_SECONDS
            while running(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
            if running(pid):
                raise NotReadyError(f"dockerd (process {pid}) does not end", hint=f"kill -9 {pid}")
        shutil.rmtree(self.run, ignore_errors=True)
        self.disconnect()

    def discard(self) -> None:
        """Delete what it keeps, unless it runs."""
        if not self.pid:
            self.unmount()
            self.disconnect()
            for folder in (self.run, self.data):
                if folder.exists():
                    shutil.rmtree(folder)

    def unmount(self) -> None:
        """Take away what an engine that was killed has left mounted, the newest first."""
        mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for path in reversed(mounted):
            if path.startswith((f"{self.run}/", f"{self.data}/")):
                command("umount", "--lazy", path)


def command(*argv: str) -> str:
    """Return what a command prints; raises CommandFailed with its error output."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(argv[:4])} failed (exit code {done.returncode})", evidence=done.stderr)
    return done.stdout


def running(pid: int) -> bool:
    """Tell whether the process lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
