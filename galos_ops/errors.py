"""Every failure a person can meet, one class for each exit code.

OpsError
├── CommandFailed         1  a command failed
│   ├── CommandTimedOut   1  a command ran past its deadline and was stopped
│   ├── NotBegun          1  what comes before a migration failed, and nothing was migrated
│   └── CommandEnded      1  the command of exec or run ended badly: its own exit code is passed on
├── UsageError            2  usage or configuration
├── ConnectError          3  cannot connect, or the link was lost
│   └── HostKeyError      3  the host key is unknown or changed
├── LockedError           4  another deploy holds the host, or somebody holds deploys back
├── GuardError            5  the guard refused, or migrations are pending
├── MigrationError        6  the migration failed
├── VerifyError           7  the new container did not stay up
└── NotReadyError         8  the host is not ready
"""

from __future__ import annotations

from collections.abc import Sequence

from invoke.exceptions import Exit

from galos_ops.redaction import masked, masked_own

EVIDENCE_LINES = 20
EVIDENCE_WIDTH = 2000  # characters of a line: a tool may quote a statement of megabytes
GRAVITY = (6, 5, 7, 3, 4, 8, 1)


class OpsError(Exit):
    """A failure as it is shown: one sentence, the evidence (last lines of output), the next command to type.

    `together` are the failures of several hosts of one task, this one among them, in the order of the hosts; `host` is
    the name of the one that it is about, empty where it is about none in particular.
    """

    exit_code = 1
    message: str
    together: tuple[OpsError, ...] = ()
    host: str = ""

    def __init__(self, sentence: str, *, evidence: str = "", hint: str = "") -> None:
        self.sentence = sentence
        self.evidence = evidence
        self.hint = hint
        super().__init__(render(sentence, evidence, hint), self.exit_code)

    def add(self, sentence: str) -> None:
        """Say one thing more, behind the sentence."""
        self.sentence = f"{self.sentence} {sentence}"
        self.tell(self.together)

    def tell(self, together: Sequence[OpsError]) -> None:
        """Tell in the message of all these failures, in their order, or of this one alone where there are none."""
        self.together = tuple(together)
        told = self.together or (self,)
        self.message = "\n".join(render(one.sentence, one.evidence, one.hint) for one in told)


def render(sentence: str, evidence: str = "", hint: str = "") -> str:
    """Lay out a failure: the sentence, the last `EVIDENCE_LINES` lines of evidence behind `  | `, `next: hint`."""
    last = evidence.strip("\n").splitlines()[-EVIDENCE_LINES:] if evidence.strip() else []
    shown = (line if len(line) <= EVIDENCE_WIDTH else f"{line[:EVIDENCE_WIDTH]} ..." for line in map(masked, last))
    lines = [masked_own(sentence), *(f"  | {line}".rstrip() for line in shown)]
    return "\n".join([*lines, masked_own(f"next: {hint}")] if hint else lines)


def gravest(errors: Sequence[OpsError]) -> OpsError:
    """Return the one of several errors whose exit code counts; its message becomes that of all, in their order."""
    worst = min(errors, key=lambda error: GRAVITY.index(error.code) if error.code in GRAVITY else len(GRAVITY))
    worst.tell([one for error in errors for one in error.together or (error,)])
    return worst


class CommandFailed(OpsError):
    exit_code = 1


class CommandTimedOut(CommandFailed):
    pass


class NotBegun(CommandFailed):
    pass


class CommandEnded(CommandFailed):
    def __init__(self, sentence: str, code: int = 1) -> None:
        self.exit_code = code
        super().__init__(sentence)


class UsageError(OpsError):
    exit_code = 2


class ConnectError(OpsError):
    exit_code = 3


class HostKeyError(ConnectError):
    pass


class LockedError(OpsError):
    """`ours` is the name of the host under which this run holds it itself."""

    exit_code = 4
    ours: str = ""


class GuardError(OpsError):
    exit_code = 5


class MigrationError(OpsError):
    exit_code = 6


class VerifyError(OpsError):
    exit_code = 7


class NotReadyError(OpsError):
    exit_code = 8
