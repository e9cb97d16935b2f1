"""The views in the logs of GitHub Actions and GitLab CI: what is about one service can be folded away."""

from __future__ import annotations

import re
import time
from types import TracebackType

from galos_ops.errors import OpsError
from galos_ops.ui.plain import Plain


class Folding(Plain):
    """Every title begins a section that lasts to the next one; `START` and `END` are the words of the CI for it."""

    START: str
    END: str

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def conclude(self, sentence: str) -> None:
        self._end()
        super().conclude(sentence)

    def _end(self) -> None:
        self._close()
        super()._end()

    def _close(self) -> None:
        if self._lane.section:
            self._command(self.END, self._lane.section)
        self._lane.section = ""

    def _head(self, title: str) -> None:
        self._close()
        self._lane.section = title
        self._command(self.START, title)

    def _command(self, template: str, title: str) -> None:
        title = self._shown(title, own=True)
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", title)
        self._put(template.format(title=title, name=name, now=int(time.time())))


class GitLab(Folding):
    """Sections of GitLab CI, the lines with a timestamp."""

    START = "\x1b[0Ksection_start:{now}:{name}\r\x1b[0K{title}"
    END = "\x1b[0Ksection_end:{now}:{name}\r\x1b[0K"


class GitHub(Folding):
    """Groups of GitHub Actions, which has timestamps of its own; warnings and the failure are annotations."""

    START = "::group::{title}"
    END = "::endgroup::"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        for failure in (error.together or (error,)) if isinstance(error, OpsError) else ():
            text = f"{failure.sentence}\nnext: {failure.hint}" if failure.hint else failure.sentence
            self._annotate(f"error title={escaped_property(f'galos-ops: exit {failure.code}')}", text)

    def warn(self, sentence: str) -> None:
        self._annotate("warning", sentence)

    def _annotate(self, kind: str, text: str) -> None:
        self._put(f"::{kind}::{escaped(self._shown(text))}")

    def _emit(self, line: str, mark: str = "") -> None:  # noqa: ARG002
        self._put(inert(line))


def escaped(text: str) -> str:
    """The text as the data of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escaped_property(text: str) -> str:
    """The text as a property of a workflow command."""
    return escaped(text).replace(":", "%3A").replace(",", "%2C")


def inert(line: str) -> str:
    """A line that is no workflow command, whoever wrote it: `::` at its beginning and `##[` are taken apart."""
    return re.sub(r"^(\s*):(?=:)", r"\1: ", line).replace("##[", "## [")
