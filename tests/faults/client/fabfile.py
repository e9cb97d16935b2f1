"""The tasks of this checkout, as the environment wants them: waiting after a step, counting what they send, or of so
little patience that a test can sit it out; `fab -r tests/faults/client`."""

import os
from pathlib import Path

from galos_ops.host import connection as ssh
from galos_ops.host import lock
from galos_ops.tasks import namespace
from tests import counting
from tests.faults import barrier

if "TEST_IMPATIENT" in os.environ:
    lock.BEAT_SECONDS, lock.SILENCE_SECONDS = 1, 6
    ssh.KEEPALIVE_SECONDS, ssh.DEAD_LINK_SECONDS = 1, 4
barrier.install(os.environ)
counting.install(os.environ)

ns = namespace(Path(__file__).parents[3] / "fabfile.yml")
