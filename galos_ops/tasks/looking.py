"""Looking at a host: what runs, what was released, what it says, what the registry has."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from itertools import compress
from typing import TYPE_CHECKING

from galos_ops.progress import short
from galos_ops.redaction import masked
from galos_ops.tasks.host_task import (
    DRY,
    JSON,
    SERVICE,
    comparing_task,
    host_task,
    parse_count,
    parse_duration,
    parse_int_option,
    parse_pattern,
)

if TYPE_CHECKING:
    from galos_ops.engines.images.labels import Made
    from galos_ops.host.release_log import Release
    from galos_ops.provisioning.aws import Image
    from galos_ops.workflows.ops import Ops

FOLLOW_SECONDS = 24 * 3600


@comparing_task(SERVICE | JSON)
def status(ops: Ops, service: str | None = None, json: bool = False) -> None:
    """Looking: what runs, its image against the registry's, pending migrations, the lock, the host.

    Exit 0 only when all is well. 8: the host is not ready, or cannot ask the registry. 6: the last migration failed,
    and the image is not clean since. 5: migrations are pending, unknown, or run now. 7: a container is not up or not
    healthy, or runs what nobody released. 4: a task at work on the host may be why something is not well. A newer image
    in the registry is no failure. Of several hosts it says last what differs between them.
    """
    from galos_ops.diagnostics import status, verdict

    looked, subjects = status.status(ops.host, ops.settings, ops.settings.chosen(service))
    ops.seen = next(iter(subjects.values())).snapshot
    ops.document |= {"well": False, **asdict(looked)}
    tables = verdict.tables(looked, subjects)
    for title, table in tables.items():
        ops.report.title(ops.host.name, title)
        ops.report.table([row for line in table for row in line.rows])
    error = verdict.verdict(ops.host.typed, looked, [line for table in tables.values() for line in table])
    if error:
        raise error
    ops.document["well"] = True


RELEASES = (
    "",
    "TIME, UTC",
    "EVENT",
    "TAG",
    "IMAGE",
    "MIGRATIONS",
    "ENDED",
    "TOOK",
    "DOWN",
    "BY",
    "RUN",
    "VERSION",
    "DETAIL",
)


FIRST = RELEASES.index("IMAGE") + 1
"""The columns that tell a release from the others, which `rollback --to` takes."""


def release_row(line: Release, made: Made, *, runs: bool) -> tuple[str, ...]:
    """A line of the log as a row under `RELEASES`; only one that tells of a started image has taken any time."""
    from galos_ops.host.release_log import NOT_BEGUN, STARTS

    ended = {"succeeded": "well", "failed": f"failed, {line.reason}", None: "not known", NOT_BEGUN: NOT_BEGUN}[
        line.outcome
    ]
    took = ("-", "-") if line.event not in STARTS else (f"{line.seconds:.1f} s", f"{line.downtime:.1f} s")
    when = f"{datetime.fromisoformat(line.time).astimezone(timezone.utc):%Y-%m-%d %H:%M}"
    count = str(len(line.migrations) or "-")
    tag = short(line.tag) if ":" in line.tag else line.tag
    image = line.image.removeprefix("sha256:")[:8]
    who = f"{line.user or '-'}@{line.machine or '-'}"
    what = line.event, tag or "-", image or "-", count, ended if line.event == "migrate" else "-"
    return "*" if runs else "", when, *what, *took, who, line.run or "", str(made), line.detail


@host_task(SERVICE | JSON | {"limit": "how many lines to show"}, parse={"limit": parse_count}, looking=True)
def history(ops: Ops, service: str | None = None, limit: int = 20, json: bool = False) -> None:
    """Looking: the host's log, newest first: what was released and what else was done; `*` marks what runs now.

    rollback --to takes a tag, a time or an image of this list.
    """
    from galos_ops.engines.images.labels import Made, made
    from galos_ops.host import release_log

    wanted, snapshot = ops.settings.chosen(service), ops.snapshot()
    log = release_log.read(ops.host, ops.settings.directory)
    running = {one.service: one.image for one in snapshot.containers if one.alive and not one.oneoff}
    shown = [one for one in reversed(release_log.joined(log.releases)) if service is None or one.service in wanted][
        :limit
    ]
    now = release_log.current(shown, running)
    said = made(ops.host, (one.image for one in shown)) if snapshot.engine else {}
    of = {one.image: said.get(one.image, Made()) for one in shown}
    listed = [asdict(one) | {"runs": one in now} | asdict(of[one.image]) for one in shown]
    ops.document |= {"releases": listed, "unreadable": log.unreadable}
    for name in dict.fromkeys(one.service for one in shown):
        ops.report.title(ops.host.name, name or "host")
        rows = [release_row(one, of[one.image], runs=one in now) for one in shown if one.service == name]
        filled = [not head or {*column} - {"", "-"} != set() for head, *column in zip(RELEASES, *rows, strict=True)]
        ops.report.table([list(compress(row, filled)) for row in (RELEASES, *rows)], sum(filled[:FIRST]))
    if not shown:
        ops.report.say("no release has been recorded on this host")
    if log.unreadable:
        ops.report.warn(f"{log.unreadable} line{'s' * (log.unreadable != 1)} of the log could not be read")


class ReaderGone(Exception):
    """Whoever read our standard output has closed it."""


def show(line: str) -> None:
    """Print a line at once, masked; raises `ReaderGone`, and `CommandFailed` where it cannot be written."""
    try:
        print(masked(line), flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer goes there
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from None
        from galos_ops.host.attached import unwritable_error

        raise unwritable_error(error) from error


LOG_WORDS = {
    "tail": "how many lines to begin with; without --since 100, with it all",
    "follow": "go on until Ctrl-C",
    "since": "only lines of the last so many: 90s, 10m, 2h, 1d",
    "grep": "only lines that this regular expression fits, as they are shown",
    "timestamps": "each line with its time",
}


LOG_PARSE = {"tail": parse_int_option, "since": parse_duration, "grep": parse_pattern}


@host_task(SERVICE | LOG_WORDS, parse=LOG_PARSE, looking=True)
def logs(
    ops: Ops,
    service: str | None = None,
    tail: int | None = None,
    follow: bool = False,
    since: int | None = None,
    grep: re.Pattern[str] | None = None,
    timestamps: bool = False,
) -> None:
    """Looking: docker-compose logs, the last lines of the service's output.

    --follow goes on until Ctrl-C, which is exit 0. Passwords in URLs and values of .env are masked.
    """
    from galos_ops.engines.log_lines import LogLines
    from galos_ops.host.shell import kill_on_disconnect

    lines = LogLines(100 if tail is None and since is None else tail, since, timestamps, follow)
    target = next(ops.targets(service))
    script = target.engine.logs(ops.settings.chosen(service), lines)

    def fitting(line: str) -> None:
        if grep is None or grep.search(masked(line)):
            show(line)

    with contextlib.suppress(KeyboardInterrupt, ReaderGone):
        target.run(
            kill_on_disconnect(script), doing="read the logs", stdin=None, timeout=FOLLOW_SECONDS, on_line=fitting
        )


@comparing_task(SERVICE | JSON | {"fix": "make the changes that are safe, then look again"})
def doctor(ops: Ops, service: str | None = None, fix: bool = False, json: bool = False) -> None:
    """Looking: every known misconfiguration of the host, each with its fix.

    Exit 8 when there is a fault; warnings alone are exit 0. --fix makes the safe changes, then looks again. Of several
    hosts it says last what differs between them.
    """
    from galos_ops.workflows.doctor import visit

    visit(ops, service, fix=fix)


IMAGES = ("", "DIGEST", "PUSHED, UTC", "SIZE", "TAGS")


def image_row(image: Image, *, runs: bool) -> tuple[str, ...]:
    """An image as a row under `IMAGES`."""
    pushed = f"{image.pushed_at.astimezone(timezone.utc):%Y-%m-%d %H:%M}"
    size = f"{image.size_bytes / 1e6:.1f} MB"
    return "*" if runs else "", short(image.digest), pushed, size.rjust(9), ", ".join(image.tags) or "-"


LIMIT = {"limit": "how many images to list for each service"}


@host_task(SERVICE | JSON | DRY | LIMIT, parse={"limit": parse_count}, looking=True)
def images(ops: Ops, service: str | None = None, limit: int = 10, json: bool = False, *, dry_run: bool = False) -> None:
    """List the newest images of the repository; `*` marks the one that runs.

    Asks AWS from this machine, with the profile of galos.ecr.profile.
    """
    from galos_ops.engines.snapshot.registry import local_digests
    from galos_ops.provisioning import ecr

    chosen, snapshot = ops.settings.chosen(service), ops.snapshot()
    running = local_digests(ops.host, {one.image for one in snapshot.containers if one.alive})
    listed = ops.document.setdefault("services", [])
    for name, row in chosen.items():
        ops.report.title(ops.host.name, name)
        found = ecr.images(ops.settings, row, limit=limit)
        listed.append(
            {
                "service": name,
                "images": [
                    asdict(one) | {"pushed_at": one.pushed_at.isoformat(), "runs": one.digest in running}
                    for one in found
                ],
            }
        )
        if found:
            ops.report.table([IMAGES, *(image_row(one, runs=one.digest in running) for one in found)])
        else:
            ops.report.say("no image has been pushed")
    if not snapshot.engine:
        ops.report.warn("the Docker engine of the host does not answer: what runs is not marked")
