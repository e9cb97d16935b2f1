"""A new user, with an empty folder and nothing but the wheel."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from galos_ops import __version__
from tests import processes
from tests.integration.conftest import ROOT, Operator, container, image_id

FILES = {"fabfile.py", "fabfile.yml", "fabfile.schema.json", ".env.example", ".gitignore"}
MISTAKES = {
    ("deplyo",): "There is no task deplyo.\nnext: did you mean deploy? see: galos-ops --list\n",
    ("deploy", "--tga"): (
        "There is no option of deploy --tga.\nnext: did you mean --tag? see: galos-ops --help deploy\n"
    ),
    ("-H",): "Flag --hosts needed value and was not given one.\nnext: see: galos-ops --list\n",
    ("-t", "soon", "-H", "h", "status"): (
        "An option of Fabric's own is to have a whole number.\n"
        "  | ValueError: invalid literal for int() with base 10: 'soon'\nnext: see: fab --help\n"
    ),
    ("-H", "h", "status", "exec", "--", "ls"): (
        "exec takes its command as one word; what follows -- would run on the host itself.\n"
        "next: galos-ops -H h exec --command ls\n"
    ),
}
CI_FILES = {"github": ".github/workflows/deploy.yml", "gitlab": ".gitlab-ci.yml"}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel and what that depends on; the sdist was there before it."""
    folder = tmp_path_factory.mktemp("install")
    shown = [sys.executable, "-m", "build", "--quiet", "--outdir", str(folder)]
    built = processes.run([*shown, str(ROOT)])  # the wheel is made from the sdist
    assert built.returncode == 0, built.stderr
    [wheel], [sdist] = folder.glob("galos_ops-*.whl"), folder.glob("galos_ops-*.tar.gz")
    fresh = folder / "venv"
    assert processes.run([sys.executable, "-m", "venv", str(fresh)]).returncode == 0
    [site] = fresh.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    for archive, offline in ((sdist, []), (wheel, ["--no-index"])):  # what an sdist is built with is fetched
        words = ["install", "--quiet", "--no-deps", "--force-reinstall", *offline, str(archive)]
        installed = processes.run([str(fresh / "bin/pip"), *words])
        assert installed.returncode == 0, installed.stderr
        assert "  deploy " in typed(folder, str(fresh / "bin/galos-ops"), "--list").stdout, archive
    return fresh / "bin"


def typed(folder: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return processes.run(list(words), cwd=folder, env=env)


@pytest.mark.parametrize("ci", [None, *CI_FILES])
def test_init_writes_the_first_files_and_then_nothing_more(programs: Path, tmp_path: Path, ci: str | None) -> None:
    words = [str(programs / "galos-ops"), "init", *(["--ci", ci] if ci else [])]
    (tmp_path / ".gitignore").write_text("*.log")
    done = typed(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == FILES | ({CI_FILES[ci]} if ci else set())
    assert (tmp_path / ".gitignore").read_text() == "*.log\n.env\n"
    assert "localhost is the container itself" in (tmp_path / ".env.example").read_text()
    text = (tmp_path / "fabfile.yml").read_text()
    assert text.startswith("# yaml-language-server: $schema=fabfile.schema.json\n")
    (tmp_path / "fabfile.yml").write_text(text + "# mine\n")
    again = typed(tmp_path, *words)
    assert again.returncode == 2
    assert "Nothing was written: there is already fabfile.py, fabfile.yml" in again.stderr
    assert (tmp_path / "fabfile.yml").read_text().endswith("# mine\n")
    assert typed(tmp_path, str(programs / "galos-ops"), "config").returncode == 0


def test_without_a_folder_of_its_own_it_tells_version_tasks_and_completes(programs: Path, tmp_path: Path) -> None:
    program = str(programs / "galos-ops")
    assert typed(tmp_path, program, "--version").stdout.startswith(f"galos-ops {__version__}\n")
    assert "  deploy " in typed(tmp_path, program, "--list").stdout
    assert "galos-ops" in typed(tmp_path, program, "--print-completion-script", "bash").stdout
    found = typed(tmp_path, program, "--complete", "--", "galos-ops dep").stdout.split()
    assert "deploy" in found
    for words, told in MISTAKES.items():
        refused = typed(tmp_path, program, *words)
        assert (refused.returncode, refused.stderr) == (2, told)
    refused = typed(tmp_path, program, "init", "--ci", "jenkins")
    assert (refused.returncode, list(tmp_path.iterdir())) == (2, [])


def test_from_an_empty_folder_to_a_rollback(bare: Operator, programs: Path, tmp_path: Path) -> None:
    program = str(programs / "galos-ops")
    assert typed(tmp_path, program, "init").returncode == 0

    def galos(*words: str) -> str:
        argv = [program, "-S", str(bare.sandbox.ssh_config), "-H", "sandbox", *words]
        done = typed(tmp_path, *argv, env=bare.variables())
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    galos("setup")
    for version in ("v1", "v2", "v3"):
        bare.sandbox.publish(version)
        galos("deploy")
    newest = image_id(bare.host)
    assert container(bare.host) == f"running {newest}"
    assert galos("exec", "sh -c 'echo here'") == "here\n"
    galos("rollback")
    assert container(bare.host).startswith("running ")
    assert container(bare.host) != f"running {newest}"
    refused = typed(tmp_path, program, "-H", "nowhere.invalid", "deploy", env=bare.variables())
    assert "nowhere.invalid" in refused.stderr
