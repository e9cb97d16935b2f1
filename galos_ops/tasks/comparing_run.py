"""One run of a task that looks at host after host, and in the end compares them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from galos_ops.config.settings import Settings
from galos_ops.progress import Report
from galos_ops.tasks.destinations import Destination
from galos_ops.tasks.run import Run

if TYPE_CHECKING:
    from galos_ops.workflows.ops import Ops


@dataclass
class ComparingRun(Run):
    """The same for a task whose hosts are meant to be alike: what differs is told, and is no failure."""

    members: list[Ops] = field(default_factory=list)

    def _subject(self, members: list[Ops]) -> Ops:
        self.members += members
        return members[0]

    def _each(self, hosts: list[Destination], settings: Settings, report: Report) -> Any:
        try:
            return super()._each(hosts, settings, report)
        finally:
            self._compare(settings, report)

    def _compare(self, settings: Settings, report: Report) -> None:
        seen = {one.host.name: one.seen for one in self.members if one.seen}
        if len(seen) < 2:
            return
        from galos_ops.diagnostics.members import differences

        found = differences(seen, settings.chosen(self.kwargs.get("service")))
        self.document["differences"] = [asdict(one) for one in found]
        for one in found:
            for sentence in one.sentences:
                report.warn(f"the hosts differ: {sentence}")
        if any(one.images for one in found):
            report.say(f"the same image on all of them: {self.typed.fab('deploy')}")
