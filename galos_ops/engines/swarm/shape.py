"""What a stack file may have: the keys that `docker stack deploy` of Docker 20.10 and later knows, and heeds; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

VERSION = "3.9"  # the newest that the CLI of Docker 20.10 knows; without one it refuses the file
ANY, LOST, EACH = "any", "lost", "*"
"""A key with a value of any shape, one that may be lost, and all keys of names that the file gives."""

Shape: TypeAlias = "Mapping[str, Shape] | str"


def keys(names: str, shape: Shape = ANY) -> dict[str, Shape]:
    return dict.fromkeys(names.split(), shape)


UPDATE = keys("parallelism delay failure_action monitor max_failure_ratio order")
FILE = keys("source target uid gid mode")
DEPLOY: Shape = {
    **keys("mode endpoint_mode replicas labels"),
    "placement": keys("constraints max_replicas_per_node") | {"preferences": keys("spread")},
    "resources": {"limits": keys("cpus memory pids"), "reservations": keys("cpus memory generic_resources")},
    "restart_policy": keys("condition delay max_attempts window"),
    "rollback_config": UPDATE,
    "update_config": UPDATE,
}
SERVICE: Shape = {
    **keys("cap_add cap_drop command dns dns_search entrypoint environment extra_hosts hostname image init isolation"),
    **keys("labels read_only stdin_open stop_grace_period stop_signal sysctls tmpfs tty ulimits user working_dir"),
    # these mean nothing to a cluster, or come back under `deploy`
    **keys("attach build container_name cpus depends_on develop expose mem_limit mem_reservation pids_limit", LOST),
    **keys("platform profiles pull_policy restart scale", LOST),
    "configs": FILE,
    "credential_spec": keys("file registry"),
    "deploy": DEPLOY,
    "healthcheck": keys("disable interval retries start_period test timeout") | keys("start_interval", LOST),
    "logging": keys("driver options"),
    "networks": {EACH: keys("aliases")},
    "ports": keys("mode protocol published target") | keys("app_protocol name", LOST),
    "secrets": FILE,
    "volumes": {
        **keys("consistency read_only source target type"),
        "bind": keys("propagation") | keys("create_host_path", LOST),
        "tmpfs": keys("size"),
        "volume": keys("nocopy"),
    },
}
IPAM: Shape = {"driver": ANY, "config": keys("subnet")}
ABOVE: Mapping[str, Shape] = {
    "networks": keys("attachable driver driver_opts external internal labels name") | {"ipam": IPAM},
    "volumes": keys("driver driver_opts external labels name"),
    "secrets": keys("driver driver_opts external file labels name template_driver"),
    "configs": keys("external file labels name template_driver"),
}
"""A network, volume, secret or config at the top of the file."""


def lost(shape: Shape, value: Any, *path: str) -> Iterator[str]:
    """Yield the keys that a value has besides those of its shape, and that say something."""
    if isinstance(shape, str):
        return
    for row in value if isinstance(value, list) else [value]:
        for key, inner in row.items() if isinstance(row, Mapping) else ():
            if inner in (None, [], {}, False) or key.startswith("x-"):
                continue
            if (known := _of(shape, key)) is None:
                yield f"{'.'.join(path)}: {key}" if path else key
            else:
                yield from lost(known, inner, *path, key)


def kept(shape: Shape, value: Any) -> Any:
    """Return a value with the keys of its shape alone, and without those that say nothing."""
    if isinstance(value, list):
        return [kept(shape, one) for one in value]
    if not isinstance(value, Mapping) or not isinstance(shape, Mapping):
        return value
    known = ((key, inner, _of(shape, key)) for key, inner in value.items())
    made = {key: kept(inner_shape, inner) for key, inner, inner_shape in known if inner_shape not in (None, LOST)}
    return {key: inner for key, inner in made.items() if inner not in (None, {}) or EACH in shape}


def _of(shape: Mapping[str, Shape], key: str) -> Shape | None:
    return shape.get(key, shape.get(EACH))
