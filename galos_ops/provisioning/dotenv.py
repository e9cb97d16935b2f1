"""The service's .env: checked here, compared by name, merged into the host's; no message holds a value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from galos_ops.config.settings import Settings
from galos_ops.errors import UsageError
from galos_ops.host import files
from galos_ops.host.host import Host
from galos_ops.progress import Change
from galos_ops.provisioning import diffs, env_source
from galos_ops.provisioning.dotenv_rules import problems
from galos_ops.provisioning.dotenv_text import BOM, assignments, parse
from galos_ops.provisioning.files import left_alone, place


@dataclass(frozen=True)
class Checked:
    """A local .env that may be sent: without a byte order mark, with plain line ends."""

    text: str = field(repr=False)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diff:
    """The names that a push adds, changes and finds the same, and those that only the host has; each sorted."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        groups = {"added": self.added, "changed": self.changed, "same": self.same, "only on the host": self.kept}
        lines = [f"{words}: {', '.join(names)}" for words, names in groups.items() if names]
        return "\n".join([*lines, *(f"warning: {warning}" for warning in self.warnings)])


def push(host: Host, settings: Settings, ours: Checked | None = None) -> Change:
    """Merge what is to be sent, read here unless it is given, into the host's .env, 0600.

    Raises as `local` and `merge` do.
    """
    ours, path, remote = _both(host, settings, ours)
    new = merge(ours.text, remote, name=f"{host.name}: {path}")
    found = diff(ours.text, remote)
    groups = {"added": found.added, "changed": found.changed}
    note = "; ".join(f"{words} {', '.join(names)}" for words, names in groups.items() if names)
    done = place(host, path, remote, new, mask=diffs.dotenv, private=True, note=note)
    return replace(done, detail="; ".join([done.detail, *(f"warning: {warning}" for warning in ours.warnings)]))


def difference(host: Host, settings: Settings) -> Diff:
    """What `push` would change, by name; raises as `push` does."""
    ours, path, remote = _both(host, settings)
    merge(ours.text, remote, name=f"{host.name}: {path}")
    return diff(ours.text, remote, ours.warnings)


def _both(host: Host, settings: Settings, ours: Checked | None = None) -> tuple[Checked, str, str | None]:
    ours = ours or local(settings)
    path = f"{settings.directory.rstrip('/')}/.env"
    [remote] = files.read(host, path)
    return ours, path, remote


def local(settings: Settings) -> Checked:
    """Read and check what is to be sent: the local file or, where there is an `env_command`, what that gives.

    Raises as `checked` and `env_source.read` do.
    """
    if settings.env_command is None:
        return checked(settings.env_file)
    return _sound(env_source.read(settings, settings.env_command), f"What {env_source.NAME} gives")


def checked(path: str) -> Checked:
    """Read and check the local file; raises `UsageError` with every problem, one a line."""
    try:
        raw = Path(path).expanduser().read_bytes().decode()
    except FileNotFoundError:
        hint = f"write the service's variables to {path}, or name the file in galos.env_file"
        anywhere = Path(path).expanduser().is_absolute()
        raise UsageError(
            f"There is no {path} on this machine." if anywhere else f"There is no {path} in this folder.", hint=hint
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", hint=f"save {path} as UTF-8") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"Cannot read {path}: {error}.", hint="name the file in galos.env_file") from None
    return _sound(raw, path)


def _sound(raw: str, name: str) -> Checked:
    text = raw.removeprefix(BOM).replace("\r\n", "\n")
    found = problems(text)
    refused = [str(problem) for problem in found if problem.refused]
    if refused:
        hint = f"correct {name[0].lower()}{name[1:]}, then run the same command again"
        raise UsageError(f"{name} cannot be sent as it is.", evidence="\n".join(refused), hint=hint)
    cleaned = ["it is sent with plain line ends and without a byte order mark"] if raw != text else []
    return Checked(text, (*map(str, found), *cleaned))


def merge(local: str, remote: str | None, *, name: str) -> str:
    """The host's text with our values in place of its own and the keys it does not have at its end.

    Its comments, order, line ends and other keys stay; raises `NotReadyError` for a file called `name` with a line
    that is no assignment.
    """
    if remote is None or not remote.strip(BOM + " \t\r\n"):
        return local
    theirs, ours = parse(remote), assignments(local)
    malformed = [str(entry.line) for entry in theirs if entry.malformed]
    if malformed:
        raise left_alone(name, f"no NAME=value in line {', '.join(malformed)}")
    mark = BOM if remote.startswith(BOM) else ""
    end = "\r\n" if "\r\n" in remote else "\n"
    text = mark + "".join(entry.replaced(ours.get(entry.key)) for entry in theirs)
    new = [entry.statement for key, entry in ours.items() if key not in assignments(remote)]
    if not new:
        return text
    ended = text.endswith(("\n", "\r"))
    return text + ("" if ended else end) + end.join(new) + (end if ended else "")


def diff(local: str, remote: str | None, warnings: tuple[str, ...] = ()) -> Diff:
    """Compare by name; a key counts as changed when any line that sets it on the host would change."""
    ours, theirs = assignments(local), assignments(remote or "")
    changed = {entry.key for entry in parse(remote or "") if entry.key in ours and not entry.says(ours[entry.key])}
    return Diff(
        added=tuple(sorted(ours.keys() - theirs.keys())),
        changed=tuple(sorted(changed)),
        same=tuple(sorted((ours.keys() & theirs.keys()) - changed)),
        kept=tuple(sorted(theirs.keys() - ours.keys())),
        warnings=warnings,
    )
