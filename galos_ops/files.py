"""A file on the host that others edit too: merged by pure code, put in place only when it differs."""

from __future__ import annotations

from galos_ops.errors import NotReadyError
from galos_ops.host import Change, Host, shell_path


def place(host: Host, path: str, old: str | None, new: str, *, private: bool = False, note: str = "") -> Change:
    """Write `new` where `host.read(path)` gave `old`, 0600, unless they are equal.

    An equal file that is `private` loses what group and others may do with it; `note` ends the detail of a write.
    """
    if new != old:
        host.write(path, new)
        return Change(True, f"{path} {'written' if old is None else 'updated'}{note and f': {note}'}")
    if private and host.run(f"chmod -c go= -- {shell_path(path)}", doing=f"make {path} private").stdout:
        return Change(True, f"{path} made private (0600), its text unchanged")
    return Change(False, f"{path} unchanged")


def left_alone(name: str, why: str) -> NotReadyError:
    """The error for a file on the host that nobody can merge into; `why` must not quote the file."""
    return NotReadyError(
        f"{name} cannot be read as it should; it was left as it is.",
        evidence=why,
        hint="repair the file on the host or move it away, then run the same command again",
    )
