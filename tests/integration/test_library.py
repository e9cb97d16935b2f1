"""galos_ops as a library: a wheel without the sandbox, used from a project's own fabfile."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests import processes
from tests.integration.conftest import ROOT, Operator, container, image_id

FABFILE = """
from fabric import task
from galos_ops.tasks import deploy, namespace


@task
def release(c):
    "Deploy v1, whatever latest means."
    deploy(c, tag="v1")


ns = namespace("fabfile.yml")
ns.add_task(release)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "galos_ops", source / "galos_ops", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    built = processes.run(words)
    assert built.returncode == 0, built.stderr
    [path] = folder.glob("galos_ops-*.whl")
    return path


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.split("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"galos_ops"}
    assert "galos_ops/py.typed" in names
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "galos_ops").rglob("*.py")}
    assert modules == {name for name in names if name.endswith(".py")}


def test_the_library_knows_nothing_of_the_sandbox() -> None:
    for path in (ROOT / "galos_ops").glob("*.py"):
        assert "sandbox" not in path.read_text(), path


def test_a_project_uses_the_tasks_from_its_own_fabfile(ready: Operator, wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    project = tmp_path / "project"
    project.mkdir()
    (project / "fabfile.py").write_text(FABFILE)
    (project / "fabfile.yml").write_text("galos: {verify: {seconds: 1}}\n")
    ready.sandbox.publish("v2")
    fab = str(Path(sys.executable).with_name("fab"))
    result = processes.run(
        [fab, "-S", str(ready.sandbox.ssh_config), "-H", "sandbox", "release"],
        cwd=project,
        env={**ready.variables(), "PYTHONPATH": str(tmp_path / "site")},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert container(ready.host) == f"running {image_id(ready.host)}"
