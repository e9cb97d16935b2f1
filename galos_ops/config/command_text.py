"""A command of the configuration, or one that was typed for exec or run, as it may be shown; pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from galos_ops.redaction import HIDDEN, printable

SENSITIVE = r"pass|pwd|secret|token|(?:api|access|private|auth)[-_]?key"
VALUE = r"""(?:\$?'[^']*(?:'|\Z)|\$?"(?:\\.|[^"\\])*(?:"|\Z)|(?![<>|&;])(?:\\.|[^\s'"\\])+)"""
"""A word of shell, or of a text in quotes; its first part where several are joined."""
HEADER = r"""(?i)((?:authorization|cookie)\\*["']?\s*[=:]\s*)\\*["']?[^\n'"]+"""
NAMED = rf"""(?i)((?:{SENSITIVE})[\w-]*(?:\\*["']?\s*[=:]\s*|\s+(?!-))){VALUE}"""
PASSWORD = rf"""(\b(?:mysql|mariadb|mongo|sshpass\b|(?:docker|podman)\s+login\b)[^\n]{{0,400}}?\s-p\s*){VALUE}"""
ACCOUNT = (
    r"""(\bcurl\b[^\n]{0,400}?\s(?:-\w*[uU]|--(?:proxy-)?user)[\s=]*(["'])?[^\s:'"]+:)(?(2)[^'"]*|(?:\\.|[^\s'"\\])+)"""
)
GIVEN = (HEADER, NAMED, PASSWORD, ACCOUNT)
"""What is hidden comes behind the first group."""
KEY = r"""(?<!\w)(\w+://)[^\s'"/@]+@"""
PATH = r"""(?<!\w)(\w+://[^\s'"/?#]+)[/?#][^\s'"]*"""


def masked_command(text: str) -> str:
    """Return it without what it gives to a name or an option that tells of a password or a token.

    A URL ends with its host, behind which a webhook has its secret, and has no user.
    """
    text = re.sub(PATH, rf"\1/{HIDDEN}", re.sub(KEY, r"\1", printable(text)))
    for given in GIVEN:
        text = re.sub(given, rf"\1{HIDDEN}", text)
    return text


def masked_argv(argv: Sequence[str]) -> str:
    """Return a command in one line; a word of it may be a command itself, as behind `sh -c`."""
    return masked_command(shlex.join(map(masked_command, argv)))
