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
    _open = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def conclude(self, sentence: str) -> None:
        self._close()
        self._title = ""
        super().conclude(sentence)

    def _close(self) -> None:
        if self._open:
            self._command(self.END, self._open)
        self._open = ""

    def _head(self, title: str) -> None:
        self._close()
        self._open = title
        self._command(self.START, title)

    def _command(self, template: str, title: str) -> None:
        title = self._shown(title, own=True)
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", title)
        print(template.format(title=title, name=name, now=int(time.time())), file=self._stream, flush=True)


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
        print(f"::{kind}::{escaped(self._shown(text))}", file=self._stream, flush=True)

    def _emit(self, line: str, mark: str = "") -> None:  # noqa: ARG002
        print(inert(line), file=self._stream, flush=True)


def escaped(text: str) -> str:
    """The text as the data of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escaped_property(text: str) -> str:
    """The text as a property of a workflow command."""
    return escaped(text).replace(":", "%3A").replace(",", "%2C")


def inert(line: str) -> str:
    """A line that is no workflow command, whoever wrote it: `::` at its beginning and `##[` are taken apart."""
    return re.sub(r"^(\s*):(?=:)", r"\1: ", line).replace("##[", "## [")
