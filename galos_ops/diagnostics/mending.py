"""The changes of `doctor --fix`: the steps of `setup`, and a few that take away a permission or a leftover."""

from __future__ import annotations

from galos_ops.config.settings import Settings
from galos_ops.diagnostics.condition import Mend
from galos_ops.host.host import Change, Host
from galos_ops.provisioning import compose_file as project
from galos_ops.provisioning import diffs, ecr
from galos_ops.provisioning.files import place


def private(host: Host, path: str) -> Change:
    """Take away what group and others may do with a file; its text is not read."""
    return place(host, path, "", "", mask=diffs.plain, private=True)


def leftovers(host: Host, settings: Settings) -> Change:
    """Remove the containers of checks that ended, and nothing that runs."""
    names = "|".join(name.replace(".", r"\.") for name in settings.services)
    ended = " ".join(f"--filter status={state}" for state in ("created", "exited", "dead"))
    removed = host.change(
        f"docker ps -a {ended} --format '{{{{.Names}}}}' | grep -E '^({names})-check(-[0-9a-f]+)?$' |\n"
        "xargs -r docker rm",
        doing="remove what checks left",
    ).stdout.split()
    return Change(bool(removed), f"removed {', '.join(removed)}" if removed else "nothing was left")


HELPER = Mend("ecr.helper", lambda host, _: ecr.helper(host))
DOCKER_CONFIG = Mend("ecr.docker-config", ecr.docker_config)
REGION = Mend("ecr.region", ecr.region)
KEYS = Mend("ecr.credentials", ecr.credentials)
PRIVATE_KEYS = Mend("private keys", lambda host, _: private(host, ecr.CREDENTIALS))
PRIVATE_ENV = Mend("private .env", lambda host, settings: private(host, f"{settings.directory.rstrip('/')}/.env"))
COMPOSE_FILE = Mend("compose file", project.compose_file)
LEFTOVERS = Mend("leftovers", leftovers)
