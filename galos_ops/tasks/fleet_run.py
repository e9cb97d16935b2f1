"""One run of a task on all its hosts together."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from galos_ops.config.settings import Settings
from galos_ops.errors import OpsError, UsageError
from galos_ops.host.host import Host
from galos_ops.host.together import together
from galos_ops.progress import Report, short
from galos_ops.tasks import destinations
from galos_ops.tasks.destinations import Destination
from galos_ops.tasks.run import Interrupted, Run, import_workflows, outcome

if TYPE_CHECKING:
    from galos_ops.workflows.fleet import Fleet
    from galos_ops.workflows.ops import Ops


@dataclass
class FleetRun(Run):
    """A task and what it was called with, for all hosts together; `absent` are the rest of `galos.hosts`."""

    context: object = None
    absent: list[Host] = field(default_factory=list)

    def _begin(self, context: object) -> Any:
        self.context = context
        return super()._begin(context)

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
        error: Exception | None = None
        try:
            with ExitStack() as stack:
                together(report, [(host, partial(stack.enter_context, host)) for host in members])
                return self._do({host: rows[host.name] for host in members}, settings, report)
        except KeyboardInterrupt:
            error = self._interrupted_fleet(rows)
            raise error from None
        except Exception as failure:
            error = failure
            raise
        finally:
            self._close(rows, error)
            report.table(summary(rows.values()))

    def _host(self, destination: Destination) -> Host:
        host = super()._host(destination)
        host.typed = replace(host.typed, fleet=self.typed.host if "," in self.typed.host else "")
        return host

    def _subject(self, members: list[Ops]) -> Fleet:
        from galos_ops.workflows.fleet import Fleet

        first = members[0]
        return Fleet(members, [replace(first, host=host, document={}) for host in self.absent], first.report)

    def _close(self, rows: dict[str, dict[str, Any]], error: Exception | None) -> None:
        """Say of each host how the task ended there; one where nothing was done, as another failed, was not tried.

        A fault of the task itself is told of every host.
        """
        told = (error.together or (error,)) if isinstance(error, OpsError) else ()
        errors: dict[str, Exception | None] = {one.host: one for one in told} or {"": error}
        for name, row in rows.items():
            own = errors.get(name, errors.get(""))
            if own or not error or row.get("services"):
                self.document["hosts"].append(row | outcome(own))
            else:
                self.document["not_tried"].append(name)

    def _interrupted_fleet(self, rows: dict[str, dict[str, Any]]) -> Interrupted:
        rest = [name for name, row in rows.items() if not row.get("services")]
        done = [f"{name}: done." for name in rows if name not in rest]
        last = f"{', '.join(rest)}: interrupted; a step that had begun on a host goes on to its end."
        return Interrupted(" ".join([*done, last]), hint=f"it looks at the hosts first: {self.typed.again()}")


def summary(rows: Iterable[dict[str, Any]]) -> list[list[str]]:
    """What a task did, a line for each service of each host, as a table."""
    done = [(row["host"], one) for row in rows for one in row.get("services", []) if "image" in one]
    return [
        [
            host,
            one["service"],
            short(one["image"]),
            "changed" if one["changed"] else "as it was",
            f"down for {one['downtime']:.1f} s" if one["downtime"] else "",
        ]
        for host, one in done
    ]
