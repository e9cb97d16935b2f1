"""What a person typed, as plain data, and the one place that makes the next command of it; pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

WHOLE_FLEET = frozenset({"deploy", "migrate"})
"""Tasks that are for all hosts of a fleet together."""
WHOLE_HOST = frozenset(
    (
        *("setup", "ecr.credentials", "ecr.region", "ecr.helper", "ecr.docker-config", "env.push", "env.diff"),
        *("hold", "config"),
    )
)
"""The tasks that are about a host and take no --service."""

Option = str | int | bool


@dataclass(frozen=True)
class CommandLine:
    """A task as it was typed for one host: `fab FLAGS -H HOST TASK OPTIONS`.

    `host` is the address that -H has, with user and port, `flags` are what Fabric itself was given before the task,
    `ssh_flags` those of them that ssh has too. `options` are the task's own without --json and --dry-run, by name.
    `program` is `fab`, `galos-ops`, or `inv`, which has no -H and works on galos.hosts. `fleet` are all hosts of a task
    that works on several at once, as -H has them.
    """

    host: str = "HOST"
    task: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    ssh_flags: tuple[str, ...] = ()
    program: str = "fab"
    fleet: str = ""

    @property
    def name(self) -> str:
        """The host without its user and port."""
        name, _, port = self.place.partition(":")
        return self.place if ":" in port else name

    @property
    def place(self) -> str:
        """Where the host is, whoever logs in: the host with its port."""
        return place(self.host)

    def fab(self, task: str, **options: Option) -> str:
        """Return the command for a task on this host, quoted for a shell.

        The same task gets every option again that was typed, another one --service, if it has it, and neither of them
        anything but that for another service: a tag is one service's. `options` win over these, a true one is a flag.
        """
        service = self.options.get("service")
        same = task == self.task and options.get("service", service) == service
        typed = dict(self.options) if same else {}
        if service is not None and task not in WHOLE_HOST:
            typed["service"] = service
        argv = [self.program, *self.flags]
        if self.program != "inv":
            argv += ["-H", self.fleet if self.fleet and task in WHOLE_FLEET else self.host]
        argv.append(task)
        for name, value in (typed | options).items():
            argv += [flag(name), *([] if value is True else [str(value)])]
        return shlex.join(argv)

    def again(self) -> str:
        """Return the command that was typed, for this host alone."""
        return self.fab(self.task)

    def local(self) -> str:
        """Return the command that was typed, for a task that works on no host."""
        return shlex.join([self.program, *self.flags, self.task])

    def ssh(self, command: str = "") -> str:
        """Return the command that logs in to this host as the task did, or runs `command` there."""
        user = self.host.rpartition("@")[0]
        port = self.place.partition(":")[2] if self.place != self.name else ""
        argv = ["ssh", *self.ssh_flags, *(["-p", port] if port else [])]
        argv.append(f"{user}@{self.name}" if user else self.name)
        return shlex.join([*argv, command] if command else argv)

    def fill(self, template: str, **names: str) -> str:
        """Return a text with `{fab:TASK OPTIONS}`, `{ssh:COMMAND}`, `{host}` and `names` filled in."""
        return template.format(host=self.name, fab=_Spec(self._fab), ssh=_Spec(self.ssh), **names)

    def _fab(self, spec: str) -> str:
        """The command for a task and its options as one text, `deploy --tag TAG`."""
        task, *argv = shlex.split(spec)
        options: dict[str, Option] = {}
        for argument in argv:
            if argument.startswith("--"):
                options[argument[2:]] = True
            else:
                options[next(reversed(options))] = argument
        return self.fab(task, **options)


def addresses(hosts: str) -> list[str]:
    """Return the hosts of -H, or of galos.hosts, one by one."""
    return [address.strip() for address in hosts.split(",") if address.strip()]


def place(address: str) -> str:
    """Return where a host of -H is, whoever logs in."""
    return address.rpartition("@")[2]


def flag(name: str) -> str:
    """Return the option of a parameter as it is typed."""
    return f"--{name.strip('_').replace('_', '-')}"


@dataclass(frozen=True)
class _Spec:
    """What follows the colon of a replacement field, given to a function."""

    made: Callable[[str], str]

    def __format__(self, spec: str) -> str:
        return self.made(spec)
