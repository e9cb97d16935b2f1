"""The tasks of this checkout, with waits so short that a test can sit them out: `fab -r tests/faults/impatient`."""

from pathlib import Path

from galos_ops import lock, ssh
from galos_ops.tasks import namespace

lock.BEAT_SECONDS, lock.SILENCE_SECONDS = 1, 6
ssh.KEEPALIVE_SECONDS, ssh.DEAD_LINK_SECONDS = 1, 4

ns = namespace(Path(__file__).parents[3] / "fabfile.yml")
