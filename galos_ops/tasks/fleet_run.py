"""One run of a task on all its hosts together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from galos_ops.config.settings import Settings
from galos_ops.errors import CommandFailed, OpsError, UsageError
from galos_ops.host.host import Host
from galos_ops.host.together import together
from galos_ops.progress import Report, short
from galos_ops.tasks import destinations
from galos_ops.tasks.destinations import Destination
from galos_ops.tasks.run import Interrupted, Run, import_workflows, outcome, told

if TYPE_CHECKING:
    from galos_ops.workflows.fleet import Fleet
    from galos_ops.workflows.ops import Ops


Rows = Mapping[str, dict[str, Any]]
"""What --json says of each host."""


@dataclass
class FleetRun(Run):
    """A task and what it was called with, for all hosts together; `absent` are the rest of `galos.hosts`."""

    absent: list[Host] = field(default_factory=list)

    def _each(self, hosts: list[Destination], settings: Settings, report: Report) -> Any:
        rest = destinations.rest_of_fleet(self.context, settings.hosts, hosts)
        self.absent = [self._host(each) for each in rest]
        return super()._each(hosts, settings, report) if len(hosts) == 1 else self._all(hosts, settings, report)

    def _all(self, hosts: list[Destination], settings: Settings, report: Report) -> Any:
        rows = {destination.name: {"host": destination.name} for destination in hosts}
        if len(rows) < len(hosts):
            raise UsageError("One host is named twice; nothing was changed.", hint="name each Docker host once")
        import_workflows()
        members = [self._host(destination) for destination in hosts]
        chosen = settings.chosen(self.kwargs.get("service"))
        error: Exception | None = None
        try:
            with ExitStack() as stack:
                together(report, [(host, partial(stack.enter_context, host)) for host in members])
                return self._do({host: rows[host.name] for host in members}, settings, report)
        except KeyboardInterrupt as interrupt:
            error = told(self._interrupted_fleet(rows, chosen), interrupt)
            raise error from None
        except Exception as failure:
            error = failure
            raise
        finally:
            self._close(rows, chosen, error)
            report.table(summary(self.document["hosts"], self.document["not_tried"]))

    def _host(self, destination: Destination) -> Host:
        host = super()._host(destination)
        host.typed = replace(host.typed, fleet=self.typed.host if "," in self.typed.host else "")
        return host

    def _subject(self, members: list[Ops]) -> Fleet:
        from galos_ops.workflows.fleet import Fleet

        first = members[0]

        def absent(host: Host) -> Ops:
            return replace(first, host=host, document={})

        def connecting(address: str) -> Ops:
            configuration = destinations.configuration(self.context)
            return absent(self._host(destinations.connected({"host": address}, configuration)))

        return Fleet(members, [absent(host) for host in self.absent], first.report, connecting)

    def _close(self, rows: Rows, chosen: Iterable[str], error: Exception | None) -> None:
        """Say of each host how the task ended there; one where nothing was done, as another failed, was not tried.

        One where only the first services were done failed, too. A fault of the task itself is told of every host.
        """
        told = (error.together or (error,)) if isinstance(error, OpsError) else ()
        errors: dict[str, Exception | None] = {one.host: one for one in told} or {"": error}
        for name, row in rows.items():
            own = errors.get(name, errors.get(""))
            if error and not own and row.get("services") and (rest := missing(row, chosen)):
                own = CommandFailed(f"{name}: {', '.join(rest)} not tried, as another host failed.")
            if own or not error or row.get("services"):
                self.document["hosts"].append(row | outcome(own))
            else:
                self.document["not_tried"].append(name)

    def _interrupted_fleet(self, rows: Rows, chosen: Iterable[str]) -> Interrupted:
        rest = [name for name, row in rows.items() if missing(row, chosen)]
        done = [f"{name}: done." for name in rows if name not in rest]
        last = f"{', '.join(rest or rows)}: interrupted; a step that had begun on a host goes on to its end."
        again = f"it looks at the hosts first: {self.typed.again()}"
        return Interrupted(" ".join([*done, last]) if rest else last, hint=again)


def missing(row: Mapping[str, Any], chosen: Iterable[str]) -> list[str]:
    """Return the services of which a task has told nothing on a host."""
    done = {one["service"] for one in row.get("services", [])}
    return [name for name in chosen if name not in done]


def summary(hosts: Iterable[Mapping[str, Any]], not_tried: Iterable[str]) -> list[list[str]]:
    """What a task did, as a table: a line for each service of each host, one for a host where it failed.

    There is none where no host got as far as that.
    """
    ended = [line for row in hosts for line in (*_services(row), *_end(row))]
    table = [*ended, *([name, "", "", "not tried", ""] for name in not_tried)]
    return table if any(image for _, _, image, *_ in table) else []


def _services(row: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            row["host"],
            one["service"],
            short(one["image"]),
            "changed" if one["changed"] else "as it was",
            f"down for {one['downtime']:.1f} s" if one["downtime"] else "",
        ]
        for one in row.get("services", [])
        if "image" in one
    ]


def _end(row: Mapping[str, Any]) -> list[list[str]]:
    if _services(row) and not row["exit"]:
        return []
    return [[row["host"], "", "", f"exit {row['exit']}" if row["exit"] else "nothing done", ""]]
