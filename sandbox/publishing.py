"""Releases on their way from this machine to the hosts: the registry, the ECR API, and what hosts keep of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from galos_ops.errors import UsageError
from sandbox import account, aws, catalogue, releases, tools
from sandbox.host import KEEP, kept_files
from sandbox.layers import digest
from sandbox.registry import put_image
from sandbox.state import State


class Publishing(State):
    """A sandbox whose registry and ECR API are up."""

    def publish(self, version: str, repository: str = catalogue.REPOSITORY) -> None:
        """Push a release as `latest` and under its own tag, and register both with the ECR API."""
        if repository not in catalogue.REPOSITORIES:
            raise UsageError(
                f"there is no repository {repository}", hint=f"take one of {', '.join(catalogue.REPOSITORIES)}"
            )
        releases.find(version)
        image = releases.image(self.docker, version, self.steps)
        with self.steps.step(f"publish {version}"):
            self.registry.push(repository, image, [version, "latest"])
            self._register([put_image(repository, tag, image.manifest) for tag in (version, "latest")])

    def publish_project(self, tool: str, migrations: int) -> str:
        """Push a tool's project with its first so many migrations; returns the reference by which a host pulls it."""
        image = tools.image(self.docker, tool, migrations, self.steps)
        tag = f"{tool}-{migrations}"
        with self.steps.step(f"publish {tag}"):
            self.registry.push(catalogue.TOOLS, image, [tag])
            self._register([put_image(catalogue.TOOLS, tag, image.manifest)])
        return f"{aws.REGISTRY}/{catalogue.TOOLS}:{tag}"

    def keep_shared_layer(self, hosts: Iterable[str]) -> None:
        """Give hosts an image with the layer that every release starts with, so that a pull brings the rest only."""
        image = releases.shared_image(self.docker, self.steps)
        reference = f"sha256:{digest(image.manifest)}"
        self.registry.push(catalogue.REPOSITORY, image, [reference])

        def give(name: str) -> None:
            host = self.host(name)
            host.container.place(kept_files(f"{aws.REGISTRY}/{catalogue.REPOSITORY}@{reference}", self.registry.basic))
            host.execute(["sh", KEEP])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(give, hosts))

    def register_all(self) -> None:
        """Register what the registry holds with the ECR API, which forgets it when it stops."""
        registry = self.registry
        for repository in catalogue.REPOSITORIES:
            self._register(registry.images(repository, registry.tags(repository)))

    def _register(self, pushed: Sequence[Mapping[str, str]]) -> None:
        for image in pushed:
            self.call_aws("ecr", "put_image", **image)

    def call_aws(self, service: str, operation: str, **parameters: str) -> Any:
        """Return the answer of one operation of the account's API, called as its administrator."""
        port = self.find("aws").port
        return account.call(port, self.state / "ca.pem", self.keys.admin, service, operation, **parameters)
