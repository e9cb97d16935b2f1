"""Takes the README's picture: a release with a migration, in a terminal, in the sandbox: `make picture`."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from itertools import groupby
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

from sandbox.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "deploy.svg"
COLUMNS, LINES = 104, 60
COMMANDS = ("pull", "up", "deploy")


def show(stream: pyte.ByteStream, words: list[str], variables: dict[str, str]) -> None:
    """Run a command in a terminal of its own and feed what it prints to the screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    child = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=variables)
    os.close(theirs)
    while data := _read(ours):
        stream.feed(data)
    child.wait()
    os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how a terminal ends
        return b""


def picture(screen: pyte.Screen, title: str) -> str:
    """What the screen shows, as an SVG that loads nothing from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in range(screen.cursor.y):
        cells = [screen.buffer[line][column] for column in range(COLUMNS)]
        text = Text(no_wrap=True)
        for style, run in groupby(cells, key=_style):
            text.append("".join(cell.data for cell in run), style)
        text.rstrip()
        console.print(text, highlight=False)
    return re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title=title), flags=re.DOTALL)


def _style(cell: pyte.screens.Char) -> Style:
    colour = None if cell.fg == "default" else cell.fg.replace("brown", "yellow")
    return Style(color=colour, bold=cell.bold)


def main() -> None:
    """A sandbox where v1 runs and v2 was just published; what the commands then show is the picture."""
    sandbox = Sandbox.of_checkout()
    sandbox.down()
    sandbox.up()
    fab = [str(Path(sys.executable).with_name("fab")), "-S", str(sandbox.ssh_config), "-H", "sandbox"]
    subprocess.run([*fab, "setup", "deploy"], cwd=ROOT, env=sandbox.shell, check=True)
    sandbox.publish("v2")
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    for task in COMMANDS:
        stream.feed(f"\x1b[1m$ fab -H sandbox {task}\x1b[0m\r\n".encode())
        show(stream, [*fab, task], sandbox.shell)
        stream.feed(b"\r\n")
    PICTURE.write_text(picture(screen, "galos-ops"))
    sandbox.down()


if __name__ == "__main__":
    main()
