"""One run of a hold: refused before any host is connected to, and told of the rest of the fleet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from galos_ops.config.command_line import addresses
from galos_ops.config.settings import Settings
from galos_ops.errors import UsageError
from galos_ops.progress import Report
from galos_ops.tasks import destinations
from galos_ops.tasks.destinations import Destination
from galos_ops.tasks.run import Run


@dataclass
class HoldingRun(Run):
    """The same for a hold, which is meant for a whole fleet: which hosts of it were not given is told."""

    def _each(self, hosts: list[Destination], settings: Settings, report: Report) -> Any:
        self._require_words()
        rest = destinations.rest_of_fleet(self.context, settings.hosts, hosts)
        result = super()._each(hosts, settings, report)
        if rest:
            whole = replace(self.typed, host=",".join(addresses(settings.hosts)))
            names = ", ".join(one.name for one in rest)
            report.say(f"not for {names}, which galos.hosts names as well; for all of them: {whole.again()}")
        return result

    def _require_words(self) -> None:
        """Raise `UsageError` unless a hold is to begin, with a time and a reason, or to end."""
        for_, because, end = (self.kwargs.get(name) for name in ("for_", "because", "end"))
        if (for_ or because) if end else not (for_ and (because or "").strip()):
            typed = replace(self.typed, options={})
            raise UsageError(
                "hold takes --for and --because, or --end.", hint=typed.fab("hold", for_="2h", because="restoring it")
            )
