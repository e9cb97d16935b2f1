"""Shell that proves of a host, where a step relies on it, that nothing of services runs there; pure."""

from __future__ import annotations

from collections.abc import Iterable

from galos_ops.host.shell import ExitCode


def no_containers(services: Iterable[str]) -> str:
    """Return a script that ends with `STILL_RUNS`, and names them, where containers of services run on the host.

    It does so too where that cannot be known. The containers of checks do not count.
    """
    form = """'{{.Label "com.docker.compose.service"}}/{{.Names}}'"""
    names = list(services)
    checks, theirs = (" | ".join(pattern.format(name) for name in names) for pattern in ("{0}/{0}-check*", "{}/*"))
    return (
        f"running=$(docker ps --format {form}) || exit {ExitCode.STILL_RUNS}\nleft=\n"
        f'for one in $running; do case $one in {checks}) ;; {theirs}) left="$left ${{one#*/}}" ;; esac; done\n'
        f'[ -z "$left" ] || {{ echo $left; exit {ExitCode.STILL_RUNS}; }}'
    )
