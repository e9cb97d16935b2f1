"""What a host keeps of a service from one run to the next: a small file for each kind of note."""

from __future__ import annotations

from galos_ops.host.lock import STATE

STOPPED = "stopped"  # the image of a service that was stopped for a migration and is still to start again
PASSED = "passed"  # the key of the last clean answer
STARTED = "started"  # what the last `up` made the containers of, and their IDs
KINDS = (STOPPED, PASSED, STARTED)
ANY = "*"  # in place of a service, for the notes of all of them


def path(service: str, kind: str) -> str:
    """Return where a note is, in the project's directory."""
    return f"{STATE}/{service}.{kind}"


def keep(service: str, kind: str, words: str) -> str:
    """Return a script that writes words of shell down, whole and private, or fails and leaves the note as it was."""
    note = path(service, kind)
    return f"( umask 077; echo {words} >{note}.new && mv {note}.new {note} )"
