"""How long `fab` takes before it does anything: `--list`, beside that of an empty fabfile."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Spread
from benchmarks.ways import ROOT, quick

EMPTY = "fab --list, an empty fabfile"
LIST, HELP, COMPLETION = "fab --list", "fab --help deploy", "completion"


def startups(runs: int) -> dict[str, Spread]:
    """Return the seconds that each takes, taken in turns; the first round is not counted."""
    with TemporaryDirectory() as folder:
        Path(folder, "fabfile.py").write_text("from fabric import task\n\n@task\ndef nothing(c):\n    pass\n")
        fab = [str(Path(sys.executable).with_name("fab")), "-r"]
        commands = {
            EMPTY: [*fab, folder, "--list"],
            LIST: [*fab, str(ROOT), "--list"],
            HELP: [*fab, str(ROOT), "--help", "deploy"],
            COMPLETION: [*fab, str(ROOT), "--complete", "--", "fab dep"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(2 * runs + 1):
            for name, argv in commands.items():
                began = time.monotonic()
                subprocess.run(argv, env=quick(), check=True, stdout=subprocess.DEVNULL)
                seconds[name] += [time.monotonic() - began] * (number > 0)
    return {name: Spread.of(each) for name, each in seconds.items()}
