"""pyinfra with one line as its whole deploy."""

import os

from pyinfra.operations import server

server.shell(commands=[os.environ["LINE"]])
