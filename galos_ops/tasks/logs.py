"""What the libraries below us log: no secret with `fab -d`, no stray line without it."""

from __future__ import annotations

import logging
import re

SENSITIVE = r"""('(?:password|passphrase)': )('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
TALKATIVE = ("boto3", "botocore", "urllib3")  # at level debug they log AWS's answers, tokens and all


class Masked(logging.Filter):
    """Replaces passwords in what Invoke logs of its configuration."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = re.sub(SENSITIVE, r"\1'***'", record.getMessage()), ()
        return True


def guard_logs() -> None:
    """Take secrets out of debug logs; calling it again changes nothing."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    invoke = logging.getLogger("invoke")
    if not any(isinstance(one, Masked) for one in invoke.filters):
        invoke.addFilter(Masked())
    paramiko = logging.getLogger("paramiko")
    if not paramiko.handlers:
        paramiko.addHandler(logging.NullHandler())  # our errors say it
