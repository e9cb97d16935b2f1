"""The first files of a project, in a folder that has none of them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from galos_ops.errors import UsageError
from galos_ops.progress import SAME
from galos_ops.tasks.host_task import local_task

if TYPE_CHECKING:
    from galos_ops.tasks.run import Local

FABFILE = '''"""The tasks of galos-ops for `fab`; tasks of your own may stand beside them."""

from galos_ops.tasks import ns  # noqa: F401 - fab looks for this name
'''
SAMPLE = """\
# Copy this to .env, put the real values there, then: galos-ops -H HOST env.diff
# What stands here is read inside of the container: localhost is the container itself. Take a name or an address that a
# container on the host reaches: a server in its network, or a service of the same compose file by its name.
DATABASE_URL=postgresql://<<user>>:<<password>>@<<hostname>>:5432/elite_development
"""
SCHEMA = "fabfile.schema.json"
IGNORED = (".env",)
CI = {
    "github": (".github/workflows/deploy.yml", "github-actions.yml"),
    "gitlab": (".gitlab-ci.yml", "gitlab-ci.yml"),
}
"""The path of a CI file by the service, and its template."""


@local_task({"ci": f"also write the file of a CI service: {' or '.join(CI)}"})
def init(local: Local, ci: str | None = None) -> None:
    """Preparing: write fabfile.py, fabfile.yml with every key, its schema, .env.example, and .env into .gitignore.

    Nothing that is there is changed, but for a line in .gitignore: exit 2 where one of the files is there already.
    """
    if ci is not None and ci not in CI:
        raise UsageError(f"--ci is {ci!r}; it must be one of: {', '.join(CI)}.")
    texts = {"fabfile.py": FABFILE, "fabfile.yml": _configuration(), SCHEMA: template(SCHEMA), ".env.example": SAMPLE}
    if ci:
        path, name = CI[ci]
        texts[path] = template(name)
    if there := [path for path in texts if Path(path).exists()]:
        raise UsageError(f"Nothing was written: there is already {', '.join(there)}.", hint="begin in an empty folder")
    for path, text in texts.items():
        with local.report.step("write", path):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text, encoding="utf-8")
    with local.report.step("write", ".gitignore") as step:
        step.mark = step.mark if _ignore(Path(".gitignore")) else SAME
    local.report.say(
        "next: correct fabfile.yml, copy .env.example to .env and put the values there, then: galos-ops config; "
        "galos-ops -H HOST setup"
    )


def template(name: str) -> str:
    """Return a file that the library has for a new project."""
    return files("galos_ops").joinpath("templates", name).read_text(encoding="utf-8")


def _configuration() -> str:
    return f"# yaml-language-server: $schema={SCHEMA}\n{template('fabfile.yml')}"


def _ignore(path: Path) -> bool:
    """Add what must not be committed to a .gitignore; false where it has all of it."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    new = [name for name in IGNORED if name not in text.splitlines()]
    if new:
        end = "" if text.endswith("\n") or not text else "\n"
        path.write_text(f"{text}{end}" + "".join(f"{name}\n" for name in new), encoding="utf-8")
    return bool(new)
