"""Whole files on a host, which travel on the standard streams of a shell script: no SFTP is needed."""

from __future__ import annotations

import base64
from hashlib import sha256
from types import EllipsisType

from galos_ops.errors import NotReadyError
from galos_ops.host.host import Host
from galos_ops.host.shell import ExitCode, shell_path


def read(host: Host, *paths: str) -> list[str | None]:
    """The texts of files on the host in one round trip, None for a missing one; raises `NotReadyError`.

    A tab begins what is ours, so that nothing of a file is shown with what a login shell prints besides.
    """
    script = "\n".join(
        "printf '\\t'\n"
        f"if ! [ -e {word} ] && ! [ -L {word} ]; then echo\n"
        f"elif text=$(base64 <{word}); then printf %s. \"$text\" | tr -d '\\n'; echo; else echo '!'; fi"
        for word in map(shell_path, paths)
    )
    result = host.run(script, doing="read files", private=True)
    lines = [line.partition("\t") for line in result.stdout.split("\n")[:-1]]
    if len(lines) != len(paths) or any(before or not tab for before, tab, _ in lines):
        raise host.noise("\n".join(before for before, _, _ in lines))
    return [_text(host, path, line, result.stderr) for path, (_, _, line) in zip(paths, lines, strict=True)]


def _text(host: Host, path: str, line: str, evidence: str) -> str | None:
    if not line:
        return None
    try:
        if line.endswith("."):
            return base64.b64decode(line[:-1], validate=True).decode()
    except UnicodeDecodeError:
        evidence = "it is not UTF-8 text"
    raise NotReadyError(f"{host.name}: cannot read {path}; it was left as it is.", evidence=evidence)


def write(host: Host, path: str, text: str, *, mode: int = 0o600, over: str | EllipsisType | None = ...) -> None:
    """Put a whole file in place atomically: private from its first byte, complete or not there at all.

    `over` is the text that it replaces, None where there is no file; raises `NotReadyError` for another one, which
    stays. A symbolic link stays, its target is replaced; as root a file keeps its owner; missing folders are made
    for the owner alone.
    """
    data, doing = text.encode(), f"write {path}; it is as it was"
    result = host.change(
        f'umask 077; path={shell_path(path)}; path=$(readlink -f -- "$path" || printf %s "$path")\n'
        'folder=$(dirname -- "$path"); mkdir -p -- "$folder" || exit 1\n'
        'new=$(mktemp "$folder/.galos-ops.XXXXXX") || exit 1\n'
        "trap 'rm -f -- \"$new\"' EXIT; trap 'exit 1' HUP INT TERM\n"
        '[ "$(id -u)" != 0 ] || ! [ -e "$path" ] || chown "$(stat -c %u:%g -- "$path")" "$new" || exit 1\n'
        f'cat >"$new" && [ "$(wc -c <"$new")" -eq {len(data)} ] && chmod {mode:o} "$new" && sync "$new" || exit 1\n'
        f'{_unchanged(over)} || exit {ExitCode.CHANGED}\nmv -f -- "$new" "$path"',
        doing=doing,
        stdin=data,
        check=False,
    )
    if result.exited == ExitCode.CHANGED:
        raise NotReadyError(
            f"{host.name}: {path} was changed by somebody else meanwhile; it was left as it is.",
            hint=host.typed.again(),
        )
    if not result.ok:
        raise host.failed(doing, result)


def _unchanged(over: str | EllipsisType | None) -> str:
    """A test whether `$path` is the text that was read, None for no file; an ellipsis is any."""
    if over is ...:
        return "true"
    if over is None:
        return '! [ -e "$path" ]'
    return f'[ "$(sha256sum 2>/dev/null <"$path")" = "{sha256(over.encode()).hexdigest()}  -" ]'
