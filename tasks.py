"""The namespace of this checkout: the runbook's tasks, configured by fabfile.yml, and the sandbox."""

from pathlib import Path

from galos_ops.tasks import namespace
from sandbox.tasks import ns as sandbox

ns = namespace(Path(__file__).with_name("fabfile.yml"))
ns.add_collection(sandbox)
