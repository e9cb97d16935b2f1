"""Local commands around a task that starts or migrates something; what they get holds no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from galos_ops.config import settings
from galos_ops.config.command_line import CommandLine
from galos_ops.errors import LockedError
from galos_ops.host.holder import holder
from galos_ops.progress import Report
from galos_ops.provisioning import local_command
from galos_ops.provisioning.local_command import Ended
from galos_ops.redaction import masked_tree

TASKS = ("deploy", "migrate", "rollback", "start", "up")
SECONDS = 60


@dataclass(frozen=True)
class Hooks:
    """The hooks of one run of a task."""

    commands: settings.Hooks
    typed: CommandLine

    def before(self, document: Mapping[str, Any], report: Report) -> None:
        """Ask whether the task may begin; raises `LockedError` unless the hook ends with 0 in time."""
        if not self.commands.before:
            return
        with report.step("hook", "before"):
            ended = self._call("before", self.commands.before, document)
            if ended.code != 0:
                raise LockedError(
                    f"hooks.before refused {self.typed.task} ({ended.reason(SECONDS)}); nothing was changed.",
                    evidence=_said(ended),
                    hint=f"when what it says is over: {self.typed.again()}",
                )

    def told(self, document: Mapping[str, Any], report: Report) -> None:
        """Tell how the task ended; whatever becomes of that is a warning."""
        name = "failed" if document["exit"] else "after"
        command = getattr(self.commands, name)
        if not command:
            return
        try:
            ended = self._call(name, command, document)
        except (OSError, KeyboardInterrupt) as error:
            report.warn(f"hooks.{name}: {str(error) or 'interrupted'}")
            return
        if ended.code != 0:
            report.warn(f"hooks.{name}: {ended.reason(SECONDS)}")
            for line in _said(ended).splitlines()[-5:]:
                report.output(line)

    def _call(self, name: str, command: str, document: Mapping[str, Any]) -> Ended:
        who = {key: value for key, value in holder(self.typed.task).items() if key in ("user", "machine", "run")}
        told = {**document, "hook": name, "by": who, "options": dict(self.typed.options)}
        text = json.dumps(masked_tree(told))
        return local_command.run(command, seconds=SECONDS, stdin=f"{text}\n".encode())


def _said(ended: Ended) -> str:
    return (ended.stdout + ended.stderr).decode(errors="replace")
