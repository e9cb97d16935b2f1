"""The sandbox: hosts, a registry, the ECR API and a database on a network of their own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from galos_ops.errors import UsageError
from sandbox import aws, catalogue, engine, files, images, releases
from sandbox.host import Host
from sandbox.keys import AccessKey, Keys, write
from sandbox.layers import File
from sandbox.machines import SERVICES, Container, contents
from sandbox.state import GENERATED, State

FLAVOURS = ("v1", "v2", "v5")


class Sandbox(State):
    """One sandbox, whose generated files lie in `directory`; its name and directory tell it from all others."""

    @classmethod
    def of_checkout(cls) -> Sandbox:
        """The sandbox that `inv sandbox.up` brings up."""
        return cls("demo", Path(__file__).parent)

    def up(self, hosts: int = 1, compose: Sequence[str] = (), release: str = "v1") -> bool:
        """Bring up what is missing, `compose` cycling over the hosts; returns False where nothing was."""
        releases.find(release)
        wanted = {host_name(n): flavour_known(compose[n % len(compose)]) if compose else "" for n in range(hosts)}
        with engine.in_use():
            self._docker = engine.ensure(self.steps)
            if not self.keys_file.exists():
                self._remove_containers()
                Keys.new(aws.NAMES).save(self.keys_file)
            found = self.found()
            for name, flavour in wanted.items():
                if name in found and flavour not in ("", found[name].container.flavour):
                    raise UsageError(f"{name} is up with another docker-compose", hint="inv sandbox.down")
            roles = {**dict.fromkeys(SERVICES, ""), **{name: flavour or "v2" for name, flavour in wanted.items()}}
            absent = [self._container(role, flavour) for role, flavour in roles.items() if role not in found]
            stopped = [each.container for each in found.values() if not each.running]
            if not absent and not stopped and self.complete.exists():
                return self.write_files()
            self.complete.unlink(missing_ok=True)
            self._bring_up([*stopped, *absent])
            self.write_files()
            self._prepare_database()
            self._register_all()
            if not self.registry.tags(catalogue.REPOSITORY):
                self.publish(release)
            write(self.complete, "")
        return True

    def down(self, *, drop_images: bool = False) -> bool:
        """Remove everything but the images, which stay as a cache; returns False where there was nothing."""
        known = self.keys_file.exists()
        docker = engine.find() or (engine.ensure(self.steps) if known and engine.DATA.is_dir() else None)
        removed = False
        if docker:
            self._docker = docker
            removed = self._remove_containers()
            if drop_images:
                images.drop(docker)
            engine.stop_if_idle(docker)
        if drop_images:
            engine.discard()
        for path in (self.directory / name for name in GENERATED):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return known or removed

    def publish(self, version: str, repository: str = catalogue.REPOSITORY) -> None:
        """Push a release as `latest` and under its own tag, and register both with the ECR API."""
        if repository not in catalogue.REPOSITORIES:
            raise UsageError(
                f"there is no repository {repository}", hint=f"take one of {', '.join(catalogue.REPOSITORIES)}"
            )
        releases.find(version)
        registry = self.registry
        tags = images.ensure(self.docker, ["runtime"], self.steps)
        with self.steps.step(f"publish {version}"):
            image = releases.ensure(self.docker, version, tags["runtime"])
            config = self.state / "docker"
            write(config / "config.json", files.docker_config(registry.address, registry.basic), mode=0o600)
            for tag in (version, "latest"):
                pushed = f"{registry.address}/{repository}:{tag}"
                self.docker.run("tag", image, pushed)
                self.docker.run("--config", str(config), "push", pushed)
                self.docker.run("rmi", pushed)
            self._register(repository, [version, "latest"])

    def add_host(self, name: str, compose: str = "v2") -> Host:
        """Bring up one more host, which ssh_config then knows by this name."""
        if name in self.found():
            raise UsageError(f"the sandbox has a {name} already")
        self._bring_up([self._container(name, flavour_known(compose))])
        self.write_files()
        return self.host(name)

    def remove_host(self, name: str) -> None:
        """Remove a host and what it holds."""
        self.find(name).container.remove()
        self.write_files()

    def stop(self, name: str) -> None:
        """Stop `db`, `registry`, `aws` or a host."""
        self.find(name).container.stop()

    def start(self, name: str) -> None:
        """Start what `stop` stopped, with all that it knew."""
        self.find(name).container.start()
        self.write_files()
        if name == "aws":
            self._register_all()

    def database(self, name: str = aws.DATABASE, template: str = "template1") -> str:
        """Create a database, empty or a copy, in the place of any of that name; returns its URL as the hosts see it.

        Nobody may be connected to the template.
        """
        self.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', database="postgres")
        self.query(f'CREATE DATABASE "{name}" OWNER galos TEMPLATE "{template}"', database="postgres")
        return self.database_url(name)

    def query(self, sql: str, database: str = aws.DATABASE) -> str:
        """Run SQL as the database's administrator; returns unaligned rows."""
        command = ("exec", "--interactive", self.find("db").container.name, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1")
        return self.docker.run(*command, "--dbname", database, stdin=sql.encode())

    def migration_seconds(self, seconds: float) -> None:
        """Say how long the migration of `slow-migration` takes from now on."""
        self.query(f"ALTER ROLE galos SET galos.migration_seconds = '{seconds}'")

    def revoke_keys(self) -> None:
        """Delete the AWS key that the hosts were given."""
        if self.keys.puller:
            self._call_aws(["iam", "delete_access_key", {"UserName": aws.PULLER, "AccessKeyId": self.keys.puller.id}])
            self._hand_out(None)

    def renew_keys(self) -> AccessKey:
        """Hand out a new AWS key in the developer's profile, after revoking the one before."""
        self.revoke_keys()
        created = self._call_aws(["iam", "create_access_key", {"UserName": aws.PULLER}])[0]["AccessKey"]
        key = AccessKey(created["AccessKeyId"], created["SecretAccessKey"])
        self._hand_out(key)
        return key

    def skew_aws(self, seconds: int) -> None:
        """Let the account's clock be off from that of the hosts by so much."""
        self.find("aws").container.place({"/aws/skew": File(str(seconds).encode())})

    def _container(self, role: str, flavour: str) -> Container:
        return Container(self.docker, self.id, role, flavour)

    def _bring_up(self, containers: Sequence[Container]) -> None:
        tags = images.ensure(self.docker, {each.image for each in containers} | {"runtime"}, self.steps)
        network = f"galos-{self.id}"
        if not self.docker.ok("network", "inspect", network):
            self.docker.run("network", "create", "--label", f"{engine.LABEL}={self.id}", network)
        found, keys = self.found(), self.keys

        def bring(container: Container) -> None:
            tag = tags[container.image]
            with self.steps.step(f"start {container.role}"):
                present = found.get(container.role)
                if present and present.image != tag:
                    container.remove()
                if not present or present.image != tag:
                    container.create(tag, contents(container.role, keys))
                container.start()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(bring, containers))

    def _prepare_database(self) -> None:
        known = self.query("SELECT rolname FROM pg_roles UNION SELECT datname FROM pg_database", database="postgres")
        if "galos" not in known.split():
            self.query(f"CREATE ROLE galos LOGIN PASSWORD '{self.keys.password}'", database="postgres")
        if aws.DATABASE not in known.split():
            self.database()

    def _register_all(self) -> None:
        for repository in catalogue.REPOSITORIES:
            self._register(repository, self.registry.tags(repository))

    def _register(self, repository: str, tags: Sequence[str]) -> None:
        if tags:
            registry = self.registry
            self._call_aws(*(["ecr", "put_image", registry.image(repository, tag)] for tag in tags))

    def _call_aws(self, *calls: Sequence[Any]) -> list[Any]:
        command = ("exec", "--interactive", self.find("aws").container.name, "python3", "/aws/admin.py")
        answers: list[Any] = json.loads(self.docker.run(*command, stdin=json.dumps(calls).encode()))
        return answers

    def _hand_out(self, key: AccessKey | None) -> None:
        keys = self.keys.with_puller(key)
        keys.save(self.keys_file)
        self.find("aws").container.place(contents("aws", keys))
        self.write_files()

    def _remove_containers(self) -> bool:
        mine = ("--filter", f"label={engine.LABEL}={self.id}")
        containers = self.docker.run("ps", "--all", "--quiet", *mine).split()
        networks = self.docker.run("network", "ls", "--quiet", *mine).split()
        if containers:
            with self.steps.step("remove the containers"):
                self.docker.run("rm", "--force", "--volumes", *containers)
        if networks:
            self.docker.run("network", "rm", *networks)
        return bool(containers or networks)


def host_name(number: int) -> str:
    """The name of the host with this number, from 0."""
    return "sandbox" if number == 0 else f"sandbox-{number + 1}"


def flavour_known(flavour: str) -> str:
    """Return the flavour of docker-compose; raises UsageError where there is no such host."""
    if flavour not in FLAVOURS:
        raise UsageError(f"there is no docker-compose {flavour}", hint=f"take one of {', '.join(FLAVOURS)}")
    return flavour
