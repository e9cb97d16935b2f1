"""The program `galos-ops`: the same tasks as with `fab`, where there need be no fabfile.py, and `init`."""

from __future__ import annotations

from pathlib import Path

import fabric
from fabric.main import Fab
from invoke.collection import Collection

from galos_ops import __version__
from galos_ops.tasks import namespace
from galos_ops.tasks.executor import Executor, adapt
from galos_ops.tasks.starting import init

FILE = "fabfile.yml"


class GalosOps(Fab):  # type: ignore[misc]
    """Fabric's own program with our tasks, configured by the nearest fabfile.yml here or above."""

    def parse_collection(self) -> None:
        here = Path.cwd()
        found = next((folder for folder in (here, *here.parents) if (folder / FILE).is_file()), None)
        self.config.set_project_location(found or here)
        self.config.load_project()
        self.namespace = namespace(found / FILE if found else None)
        self.namespace.add_task(init)
        init.path = init.name
        super().parse_collection()

    def print_version(self) -> None:
        print(f"galos-ops {__version__}\nFabric {fabric.__version__}")


program = GalosOps(
    name="galos-ops",
    binary_names=["galos-ops"],
    version=__version__,
    namespace=Collection(),
    executor_class=Executor,
    config_class=fabric.Config,
)
adapt(program)
