"""What a task works with: one connected host, the settings, the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from galos_ops.config.settings import Settings
from galos_ops.diagnostics.ready import PROJECT, require_ready
from galos_ops.engines.dependencies import groups, ordered
from galos_ops.engines.engine import Engine, Target
from galos_ops.engines.snapshot import probe
from galos_ops.engines.snapshot.snapshot import Snapshot
from galos_ops.errors import OpsError
from galos_ops.host.hold import hold_error
from galos_ops.host.host import Host
from galos_ops.host.lock import Lock, holding, lock, refuse
from galos_ops.host.release_log import Alone, Event, entry, note
from galos_ops.host.shell import in_directory
from galos_ops.progress import SAME, WOULD, Change, Report
from galos_ops.workflows.doing import Doing
from galos_ops.workflows.steps import Group, Steps

Parts = tuple[probe.Part, ...]
Look = Callable[[], Snapshot]
Services = Callable[[Iterable[str]], list[Steps]]
"""Gives the steps for services on a host as it is now."""


@dataclass
class Ops:
    """What a task body gets in place of Fabric's context: one connected host, the settings, the report.

    `document` is what a task tells with --json; it is printed when the task ends, well or badly. `seen` is how the host
    was when it was looked at last, for a task that compares hosts.
    """

    host: Host
    settings: Settings
    report: Report
    document: dict[str, Any] = field(default_factory=dict)
    seen: Snapshot | None = None

    def snapshot(self, parts: Parts = probe.PROJECT, files: Iterable[str] = ()) -> Snapshot:
        """Look at the host, ready or not."""
        self.seen = probe.gather(self.host, parts, self._scope(files))
        return self.seen

    def _scope(self, files: Iterable[str] = ()) -> probe.Scope:
        images = tuple(map(self.settings.image, self.settings.services.values()))
        return probe.Scope(images, self.settings.directory, dict.fromkeys(files, "cat"), self.settings.engine)

    def ready(self, snapshot: Snapshot, conditions: tuple[str, ...] = PROJECT) -> Engine:
        """The engine of this host; raises `NotReadyError` for the first condition that does not hold."""
        return require_ready(self.host.typed, self.settings, snapshot, conditions)

    def targets(self, name: str | None, look: Look | None = None) -> Iterator[Target]:
        """The named service on this host, or all of them, each as it is when its turn comes.

        A service comes after those that it depends on, else in the order of the configuration. `look` gives how the
        host is now, where that is under way.
        """
        chosen, snapshot = self.settings.chosen(name), (look or self.snapshot)()
        engine = self.ready(snapshot)
        earlier: list[str] = []
        for each in ordered(chosen, snapshot.rows()):
            if earlier:
                snapshot = self.snapshot()
                engine = self.ready(snapshot)
            yield Target(self.host, self.settings, each, chosen[each], snapshot, engine, frozenset(earlier))
            earlier.append(each)

    def groups(
        self, name: str | None, look: Look | None = None, parts: Parts = probe.PROJECT
    ) -> Iterator[tuple[list[Target], list[Target]]]:
        """The same by groups: those together of which one stops while another one migrates.

        Beside each the services that are not chosen and stop while one of them migrates.
        """
        chosen, snapshot = self.settings.chosen(name), look() if look else self.snapshot(parts)
        engine = self.ready(snapshot)
        done: list[str] = []
        for names in groups(self.settings, snapshot, chosen):
            if done:
                snapshot = self.snapshot(parts)
                engine = self.ready(snapshot)
            first, *_ = targets = [
                Target(self.host, self.settings, each, chosen[each], snapshot, engine, frozenset(done + names[:index]))
                for index, each in enumerate(names)
            ]
            stopping = dict.fromkeys(other for one in targets for other in one.stops if other not in names)
            yield targets, [first.of(other) for other in stopping]
            done += names

    def titled(self, name: str | None, look: Look | None = None) -> Iterator[Target]:
        """The same, each under its title."""
        for target in self.targets(name, look):
            self.report.title(self.host.name, target.name)
            yield target

    def note(self, event: Event, changes: Sequence[str]) -> None:
        """Log what was done to the host, where anything was; a dry run has done nothing."""
        if changes and not self.host.dry:
            script = in_directory(self.settings.directory, note(entry(event, "; ".join(changes))))
            self.host.change(script, doing="log what was done")

    @contextmanager
    def noted(self, event: Event) -> Iterator[list[str]]:
        """Log the changes that the body adds to a list, also where it fails or is interrupted."""
        changes: list[str] = []
        try:
            yield changes
        except BaseException:
            with suppress(OpsError):  # what ended the body is what there is to tell
                self.note(event, changes)
            raise
        self.note(event, changes)

    def change_alone(self, name: Alone, make: Callable[[], Change]) -> None:
        """Take such a step as `change` does, while no other task changes the host, and log what it changed."""
        with self.holding(name), self.noted(name) as done:
            change = self.change(name, make)
            done += [change.detail] if change else []

    def change(self, name: str, make: Callable[[], Change]) -> Change:
        """Take a step that is safe to repeat, report it, and return what it did or, in a dry run, would do."""
        with self.report.step(name) as step:
            done = make()
            step.detail, step.mark = done.detail, (WOULD if self.host.dry else step.mark) if done.changed else SAME
        for line in done.diff if self.host.dry else ():
            self.report.output(line)
        return done

    @contextmanager
    def locked(self, task: str, service: str | None, wait: int | None = None) -> Iterator[Iterator[Steps]]:
        """Hold the host, and give the steps for the named service or, one after the other, for all of them.

        Raises `LockedError` when another holds it for longer than `wait` seconds, and where somebody holds deploys
        back. A dry run holds nothing and does not wait, but is refused all the same: what it would tell is about to
        change.
        """
        with self._held(task, service, wait) as (steps, look):
            yield map(steps, self._unheld(self.titled(service, look)))

    @contextmanager
    def locked_groups(
        self, task: str, service: str | None, wait: int | None = None, parts: Parts = probe.PROJECT
    ) -> Iterator[Iterator[Group]]:
        """The same for services that are taken together, as they use one database; `parts` is what is asked of it.

        What the host says is waited for when the first of them is taken, not before others are held.
        """
        with self._held(task, service, wait, parts) as (steps, look):
            groups = self.groups(service, look, parts)
            pairs = ((tuple(self._unheld(chosen)), others) for chosen, others in groups)
            yield (Group([*map(steps, chosen)], [*map(steps, others)]) for chosen, others in pairs)

    @contextmanager
    def beside(self, task: str) -> Iterator[Services]:
        """Connect to a host and hold it while others of its fleet migrate; nothing starts there, so a hold counts not.

        Raises `LockedError` at once where another holds it, and `NotReadyError`, before the lock makes its folder, for
        one that does not tell what runs.
        """
        with self.host:
            self.ready(self.snapshot())
            with self._held(task, None, 0, ()) as (steps, _):
                yield lambda names: [*map(steps, self._all(names))]

    def _all(self, names: Iterable[str]) -> list[Target]:
        snapshot = self.snapshot()
        engine = self.ready(snapshot)
        services = self.settings.services
        return [Target(self.host, self.settings, name, services[name], snapshot, engine) for name in names]

    def _unheld(self, targets: Iterable[Target]) -> Iterator[Target]:
        """Give targets on; raises `LockedError` while somebody holds deploys back."""
        for target in targets:
            if hold := target.snapshot.hold:
                raise hold_error(self.host.typed, hold)
            yield target

    @contextmanager
    def _held(
        self, task: str, service: str | None, wait: int | None, parts: Parts = probe.PROJECT
    ) -> Iterator[tuple[Callable[[Target], Steps], Look]]:
        """Hold the host, and look at it in the same round trip; what that shows has yet to be waited for."""
        self.report.title(self.host.name, next(iter(self.settings.chosen(service))))
        with ExitStack() as stack:
            with self.report.step("lock", "free" if self.host.dry else "") as step:
                step.mark = WOULD if self.host.dry else step.mark
                question = probe.script(parts, self._scope())
                held = stack.enter_context(self.holding(task, wait, question))
            if held is None:
                from galos_ops.workflows.telling import Telling

                self.document["dry_run"] = True
                yield lambda target: Telling(target, self.report), partial(self.snapshot, parts)
            else:
                look = partial(_answered, self.host, parts, held)
                yield lambda target: Doing(target.held(held), self.report), look

    @contextmanager
    def holding(self, task: str, wait: int | None = None, question: str = "") -> Iterator[Lock | None]:
        """Hold the host, as `locked` does, without a report; a dry run has no lock."""
        directory = self.settings.directory
        if self.host.dry:
            if who := holding(self.host, directory):
                raise refuse(self.host, who)
            yield None
            return
        seconds = self.settings.lock.wait if wait is None else wait
        with lock(self.host, directory, task, seconds, self.report.say, question) as held:
            yield held


def _answered(host: Host, parts: Parts, held: Lock) -> Snapshot:
    return probe.read(host, parts, held.answer())
