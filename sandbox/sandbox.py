"""The sandbox: hosts, a registry, the ECR API and a database on a network of their own."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path

from galos_ops.errors import NotReadyError, UsageError
from sandbox import aws, catalogue, engine, images, leftovers, ranges, releases, swarm
from sandbox.host import Host
from sandbox.keys import AccessKey, Keys, write
from sandbox.layers import File
from sandbox.machines import SERVICES, Container, contents
from sandbox.own_engine import OwnEngine
from sandbox.publishing import Publishing

FLAVOURS = ("v1", "v2", "v5")
SUBNETS = "{{range .IPAM.Config}}{{.Subnet}} {{end}}"


class Sandbox(Publishing):
    """One sandbox, whose generated files lie in `directory`; its name and directory tell it from all others."""

    @classmethod
    def of_checkout(cls) -> Sandbox:
        """The sandbox that `inv sandbox.up` brings up."""
        return cls("demo", Path(__file__).parent)

    def up(self, hosts: int = 1, compose: Sequence[str] = (), release: str = "v1") -> bool:
        """Bring up what is missing, `compose` cycling over the hosts; returns False where nothing was."""
        releases.find(release)
        wanted = {host_name(n): flavour_known(compose[n % len(compose)]) if compose else "" for n in range(hosts)}
        with engine.in_use(), self._alone():
            self._docker = engine.ensure(self.steps)
            if not self.keys_file.exists():
                self._remove_containers()
                Keys.new(aws.NAMES).save(self.keys_file)
            found = self.found()
            self._remove_half_made()
            for name, flavour in wanted.items():
                if name in found and flavour not in ("", found[name].container.flavour):
                    raise UsageError(f"{name} is up with another docker-compose", hint="inv sandbox.down")
            roles = {**dict.fromkeys(SERVICES, ""), **{name: flavour or "v2" for name, flavour in wanted.items()}}
            absent = [self._container(role, flavour) for role, flavour in roles.items() if role not in found]
            stopped = [each.container for each in found.values() if not each.running]
            if not absent and not stopped and self.complete.exists():
                return self.write_files()
            self.complete.unlink(missing_ok=True)
            leftovers.sweep(self.docker)
            self._bring_up([*stopped, *absent])
            self.write_files()
            self.require_loopback()
            self._prepare_database()
            self.register_all()
            if not self.registry.tags(catalogue.REPOSITORY):
                self.publish(release)
            self.keep_shared_layer(wanted)
            write(self.complete, "")
        return True

    def swarm(self, nodes: int) -> bool:
        """Make one Swarm of the first hosts, which are up; returns False where they are one already."""
        with self._alone(), self.steps.step(f"one Swarm of {nodes} hosts"):
            return swarm.form([self.host(host_name(n)) for n in range(nodes)])

    def down(self, *, drop_images: bool = False) -> bool:
        """Remove everything but the images, which stay as a cache; returns False where there was nothing."""
        known = self.keys_file.exists()
        docker = engine.find() or (engine.ensure(self.steps) if known and OwnEngine.chosen().data.is_dir() else None)
        removed = False
        if docker:
            self._docker = docker
            removed = self._remove_containers()
            if drop_images:
                images.drop(docker)
            engine.stop_if_idle(docker)
        if drop_images:
            engine.discard()
        leftovers.discard_files(self.directory)
        return known or removed

    def add_host(self, name: str, compose: str = "v2") -> Host:
        """Bring up one more host, which ssh_config then knows by this name."""
        if name in self.found():
            raise UsageError(f"the sandbox has a {name} already")
        self._bring_up([self._container(name, flavour_known(compose))])
        self.write_files()
        self.keep_shared_layer([name])
        return self.host(name)

    def remove_host(self, name: str) -> None:
        """Remove a host and what it holds."""
        self.find(name).container.remove()
        self.write_files()

    def stop(self, name: str) -> None:
        """Stop `db`, `registry`, `aws` or a host."""
        self.find(name).container.stop()
        self._found.pop(name)

    def start(self, name: str) -> None:
        """Start what `stop` stopped, with all that it knew."""
        self.find(name).container.start()
        self.write_files()
        if name == "aws":
            self.register_all()

    def database(self, name: str = aws.DATABASE, template: str = "template1") -> str:
        """Create a database, empty or a copy, in the place of any of that name; returns its URL as the hosts see it.

        Nobody may be connected to the template.
        """
        dropped = f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'
        created = f'CREATE DATABASE "{name}" OWNER galos TEMPLATE "{template}"'
        self.query(f"{dropped};\n{created};", database="postgres")
        return self.database_url(name)

    def query(self, sql: str, database: str = aws.DATABASE) -> str:
        """Run SQL as the database's administrator; returns unaligned rows."""
        command = ("exec", "--interactive", self._container("db", "").name, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1")
        return self.docker.run(*command, "--dbname", database, stdin=sql.encode())

    def migration_seconds(self, seconds: float) -> None:
        """Say how long the migration of `slow-migration` takes from now on."""
        self.query(f"ALTER ROLE galos SET galos.migration_seconds = '{seconds}'")

    def revoke_keys(self) -> None:
        """Delete the AWS key that the hosts were given."""
        if self.keys.puller:
            self.call_aws("iam", "delete_access_key", UserName=aws.PULLER, AccessKeyId=self.keys.puller.id)
            self._hand_out(None)

    def renew_keys(self) -> AccessKey:
        """Hand out a new AWS key in the developer's profile, after revoking the one before."""
        self.revoke_keys()
        created = self.call_aws("iam", "create_access_key", UserName=aws.PULLER)["AccessKey"]
        key = AccessKey(created["AccessKeyId"], created["SecretAccessKey"])
        self._hand_out(key)
        return key

    def skew_aws(self, seconds: int) -> None:
        """Let the account's clock be off from that of the hosts by so much; `skewed` exists while it is."""
        write(self.skewed, "")
        self.find("aws").container.place({"/aws/skew": File(str(seconds).encode())})
        if not seconds:
            self.skewed.unlink()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time bring this sandbox up."""
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _container(self, role: str, flavour: str) -> Container:
        return Container(self.docker, self.id, role, flavour)

    def _bring_up(self, containers: Sequence[Container]) -> None:
        tags = images.ensure(self.docker, {each.image for each in containers} | {"runtime"}, self.steps)
        labels = leftovers.labels(self.id, self.directory, temporary=self.temporary)
        network = f"galos-{self.id}"
        subnets = self.docker.attempt("network", "inspect", "--format", SUBNETS, network)
        if subnets.returncode != 0:
            self.docker.run("network", "create", *leftovers.flags(labels), network)
            subnets = self.docker.attempt("network", "inspect", "--format", SUBNETS, network)
        inside = ranges.free([*ranges.taken(), *map(IPv4Network, subnets.stdout.decode().split())])
        found, keys = self.found(), self.keys
        self._remove_half_made()

        def bring(container: Container) -> None:
            tag = tags[container.image]
            with self.steps.step(f"start {container.role}"):
                present = found.get(container.role)
                if present and present.image != tag:
                    container.remove()
                if not present or present.image != tag:
                    container.create(tag, contents(container.role, keys, inside), labels)
                container.start()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(bring, containers))

    def _prepare_database(self) -> None:
        known = self.query("SELECT rolname FROM pg_roles UNION SELECT datname FROM pg_database", database="postgres")
        if "galos" not in known.split():
            self.query(f"CREATE ROLE galos LOGIN PASSWORD '{self.keys.password}'", database="postgres")
        if aws.DATABASE not in known.split():
            self.database()

    def _hand_out(self, key: AccessKey | None) -> None:
        keys = self.keys.with_puller(key)
        keys.save(self.keys_file)
        self.find("aws").container.place(contents("aws", keys))
        self.write_files()

    def _remove_half_made(self) -> None:
        if self.half_made:
            self.docker.run("rm", "--force", "--volumes", *self.half_made)

    def require_loopback(self) -> None:
        """Raise NotReadyError where 127.0.0.1 of this machine does not lead to what works on the engine."""
        ours = ssl.create_default_context(cadata=self.keys.authority)
        for role, found in self.found().items():
            port = found.container.service.port
            if not port:
                continue
            try:
                with socket.create_connection(("127.0.0.1", found.port), timeout=10) as link:
                    if port == 443:
                        ours.wrap_socket(link, server_hostname="127.0.0.1").close()
            except OSError as error:
                raise NotReadyError(
                    f"{role} works in its container, but the engine does not publish it on this machine's 127.0.0.1",
                    evidence=str(error),
                    hint="use a Docker engine that shares this machine's network: unset DOCKER_HOST",
                ) from None

    def _remove_containers(self) -> bool:
        mine = list(leftovers.things(self.docker, f"{leftovers.LABEL}={self.id}"))
        if not any(thing.kind == "container" for thing in mine):
            return leftovers.remove(self.docker, mine)
        with self.steps.step("remove the containers"):
            return leftovers.remove(self.docker, mine)


def host_name(number: int) -> str:
    """The name of the host with this number, from 0."""
    return "sandbox" if number == 0 else f"sandbox-{number + 1}"


def flavour_known(flavour: str) -> str:
    """Return the flavour of docker-compose; raises UsageError where there is no such host."""
    if flavour not in FLAVOURS:
        raise UsageError(f"there is no docker-compose {flavour}", hint=f"take one of {', '.join(FLAVOURS)}")
    return flavour
