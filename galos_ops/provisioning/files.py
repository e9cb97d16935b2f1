"""A file on the host that others edit too: merged by pure code, put in place only when it differs."""

from __future__ import annotations

from galos_ops.errors import NotReadyError
from galos_ops.host import files
from galos_ops.host.host import Host
from galos_ops.host.shell import shell_path
from galos_ops.progress import Change
from galos_ops.provisioning import diffs


def place(
    host: Host,
    path: str,
    old: str | None,
    new: str,
    *,
    mask: diffs.Mask,
    mode: int = 0o600,
    private: bool = False,
    note: str = "",
) -> Change:
    """Write `new` where `host.files` read `old`, unless they are equal; a dry run only tells.

    Raises `NotReadyError` for a file that changed since it was read. An equal file that is `private` loses what group
    and others may do with it; `note` ends the detail of a write, and `mask` takes the secrets out of the diff.
    """
    if new != old:
        if not host.dry:
            files.write(host, path, new, mode=mode, over=old)
        done = done_or_would(host, "written" if old is None else "updated")
        return Change(True, f"{path} {done}{note and f': {note}'}", diffs.unified(path, old, new, mask))
    if private and _closed(host, path):
        return Change(True, f"{path} {done_or_would(host, 'made private')} (0600), its text unchanged")
    return Change(False, f"{path} unchanged")


def done_or_would(host: Host, done: str) -> str:
    """`written`, or in a dry run `would be written`."""
    return f"would be {done}" if host.dry else done


def _closed(host: Host, path: str) -> bool:
    """Take a file from group and others; whether they had it, which is all that a dry run asks."""
    theirs, doing = f"find -H {shell_path(path)} -perm /077", f"make {path} private"
    if host.dry:
        return bool(host.run(theirs, doing=doing).stdout)
    return bool(host.change(f"{theirs} -exec chmod go= {{}} + -print", doing=doing).stdout)


def left_alone(name: str, why: str) -> NotReadyError:
    """The error for a file on the host that nobody can merge into; `why` must not quote the file."""
    return NotReadyError(
        f"{name} cannot be read as it should; it was left as it is.",
        evidence=why,
        hint="repair the file on the host or move it away, then run the same command again",
    )
