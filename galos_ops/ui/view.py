"""Which view of a task a person gets: where its lines go decides."""

from __future__ import annotations

from collections.abc import Mapping

from galos_ops.ui.ci import GitHub, GitLab
from galos_ops.ui.plain import Plain
from galos_ops.ui.terminal import Terminal

CI = {"GITHUB_ACTIONS": GitHub, "GITLAB_CI": GitLab}


def view(environment: Mapping[str, str], *, terminal: bool) -> type[Plain]:
    """That of the CI system we run in, else the live one at a terminal that is none of a CI job, else the plain one."""
    ours = (kind for variable, kind in CI.items() if environment.get(variable) == "true")
    return next(ours, Terminal if terminal and environment.get("CI") != "true" else Plain)
