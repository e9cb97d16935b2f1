"""The Swarm engine: the stack file of a service, its tasks on the nodes, and what the verbs are there."""
