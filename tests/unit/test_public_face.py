"""What a tasks.py of one's own imports."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import galos_ops
import galos_ops.tasks

ROOT = Path(__file__).parents[2]


def test_the_public_names_are_those_of_their_modules() -> None:
    from galos_ops import OpsError, Settings, host_task, namespace
    from galos_ops.config import settings
    from galos_ops.errors import OpsError as error
    from galos_ops.tasks import host_task as module

    assert (OpsError, Settings, host_task) == (error, settings.Settings, module.host_task)
    assert namespace is galos_ops.tasks.namespace
    assert set(galos_ops.__all__) <= {*dir(galos_ops), *galos_ops._HOMES}


def test_each_task_is_a_public_name_of_the_tasks() -> None:
    root = galos_ops.tasks.namespace()
    public = [getattr(galos_ops.tasks, name) for name in galos_ops.tasks.__all__ if name != "namespace"]
    assert {id(one) for one in public} == {id(root[name]) for name in root.task_names}


def test_the_package_alone_loads_nothing_else() -> None:
    script = (
        "import sys, galos_ops; print(*(name for name in sys.modules if name.startswith(('galos_ops.', 'fabric'))))"
    )
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, check=True)
    assert told.stdout.split() == []


@pytest.mark.parametrize("module", [galos_ops, galos_ops.tasks])
def test_an_unknown_name_is_an_attribute_error(module: object) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nobody'"):
        module.nobody  # type: ignore[attr-defined]  # noqa: B018


def test_ns_is_configured_by_the_fabfile_yml_beside_it(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("from galos_ops.tasks import ns\n")
    directory = "ns.configuration()['galos']['directory']"
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from tasks import ns; print({directory})"

    def configured() -> str:
        return subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, check=True).stdout

    assert configured() == "~\n"
    (tmp_path / "fabfile.yml").write_text("galos: {directory: /srv/galos}\n")
    assert configured() == "/srv/galos\n"


def test_the_version_is_that_of_the_package() -> None:
    assert importlib.metadata.version("galos-ops") == galos_ops.__version__
