"""The runbook's section on database migrations, in parts and as a whole, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galos_ops.progress import WARN
from galos_ops.tasks.host_task import DRY, JSON, SERVICE, fleet_task, host_task, parse_int_option, parse_tag

if TYPE_CHECKING:
    from galos_ops.workflows.fleet import Fleet
    from galos_ops.workflows.ops import Ops


@host_task(SERVICE | JSON, looking=True)
def pending(ops: Ops, service: str | None = None, json: bool = False) -> None:
    """Migration: list what the image that up would start has pending; exit 0 for none, 5 for some or unknown.

    Always asks the image, whatever it answered before.
    """
    from galos_ops.engines.images.references import local_images
    from galos_ops.migrations import guard
    from galos_ops.workflows.steps import pull

    refusals = []
    services = ops.document.setdefault("services", {})
    for target in ops.titled(service):
        images = local_images(target) or pull(target, ops.report)
        with ops.report.step("pending") as step:
            answer = guard.check(target, images)
            step.detail, step.mark = answer.summary, step.mark if answer.state == "clean" else WARN
        row = {"state": answer.state, "migrations": answer.names, "image": images.service.id}
        services[target.name] = row
        refusals += [guard.pending_migrations_error(target, answer)] if answer.state != "clean" else []
    if refusals:
        raise refusals[0]


@fleet_task(SERVICE | DRY)
def migrate(fleet: Fleet, service: str | None = None, *, dry_run: bool = False) -> None:
    """Migration: run what is pending while the service is down, and check again.

    Exit 5 while the service runs: down stops it, deploy does all of it. Exit 6 when the migration fails; nothing starts
    until it succeeds.
    """
    from galos_ops.workflows import deploy

    with fleet.locked_groups("migrate", service) as groups:
        for group in groups:
            deploy.migrate(group)


@fleet_task(
    SERVICE
    | JSON
    | DRY
    | {"tag": "deploy this tag, or sha256:DIGEST, of the repository", "wait": "seconds to wait for the lock"},
    parse={"tag": parse_tag, "wait": parse_int_option},
)
def deploy(
    fleet: Fleet,
    service: str | None = None,
    tag: str | None = None,
    wait: int | None = None,
    json: bool = False,
    *,
    dry_run: bool = False,
) -> None:
    """Migration, the whole of it: pull; stop and migrate when something is pending; start, watch, record.

    What starts is the image that was checked, whatever its tag means by then. A second deploy changes nothing.
    Exit 4 while another task holds the host or somebody holds deploys back, 5 for an unknown answer, 6 when the
    migration failed and the service is stopped, 7 when the new container did not stay up: then the previous image runs
    again, unless a migration ran.
    """
    from galos_ops.engines.snapshot import probe
    from galos_ops.workflows import deploy

    with fleet.locked_groups("deploy", service, wait, probe.DEPLOY) as groups:
        deploy.deploy_each(groups, tag, fleet.publish)


@host_task(SERVICE | JSON | DRY)
def prune(ops: Ops, service: str | None = None, json: bool = False, *, dry_run: bool = False) -> None:
    """Updating: remove images and one-off containers of ours that no kept release needs.

    Those are releases beyond galos.releases.keep, images of the repository without a tag that nothing is made of, and
    containers of a check or a run whose client is gone, with their volumes. What others tagged stays.
    """
    from dataclasses import asdict

    from galos_ops.workflows.prune import prune

    rows = ops.document.setdefault("services", [])
    with ops.locked("prune", service) as services:
        for steps in services:
            rows.append({"service": steps.target.name, **asdict(prune(steps))})


@host_task(SERVICE | JSON | DRY | {"to": "the release to go back to: its tag, time or image"})
def rollback(
    ops: Ops, service: str | None = None, to: str | None = None, json: bool = False, *, dry_run: bool = False
) -> None:
    """Migration: start the image of the release before this one again; exit 5 where a migration ran since.

    --to takes a tag, a time or the first digits of an image, at least four, of history; exit 2 where that does not
    mean one release.
    """
    from galos_ops.workflows import rollback

    outcomes = ops.document.setdefault("services", [])
    with ops.locked("rollback", service) as services:
        for steps in services:
            outcomes.append(steps.document(rollback.rollback(steps, to)))
