"""The compose file of a project that has none yet."""

from __future__ import annotations

from galos_ops.config.settings import Settings
from galos_ops.engines import docker_compose
from galos_ops.host.host import Host
from galos_ops.host.shell import shell_path
from galos_ops.progress import Change
from galos_ops.provisioning import diffs
from galos_ops.provisioning.files import place


def compose_file(host: Host, settings: Settings) -> Change:
    """Write a compose file for the configured services; one that is found stays as it is."""
    directory = settings.directory.rstrip("/")
    look = f'cd {shell_path(directory or "/")} || exit 0\n{docker_compose.FOUND}\nprintf %s "$file"'
    if found := host.run(look, doing="look for a compose file").stdout:
        return Change(False, f"{found} is found")
    images = {name: settings.image(service) for name, service in settings.services.items()}
    path, text = f"{directory}/{docker_compose.FILE}", docker_compose.render(images)
    return place(host, path, None, text, mask=diffs.plain, mode=0o644)
