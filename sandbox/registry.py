"""The sandbox's registry, as the developer's machine reaches it."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)


@dataclass(frozen=True)
class Registry:
    """A registry at a port of 127.0.0.1, with the authority that signed its certificate and its password."""

    port: int
    authority: str
    user: str
    password: str

    @property
    def address(self) -> str:
        """Where an engine on this machine pushes to."""
        return f"127.0.0.1:{self.port}"

    @property
    def basic(self) -> str:
        """The credentials as HTTP basic authentication has them."""
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository, `latest` last; none where nothing was pushed yet."""
        try:
            content, _ = self.get(f"{repository}/tags/list", "application/json")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise
        return sorted(json.loads(content)["tags"] or [], key=lambda tag: (tag == "latest", tag))

    def image(self, repository: str, tag: str) -> dict[str, Any]:
        """A tag as the parameters of ECR's PutImage."""
        manifest, media_type = self.get(f"{repository}/manifests/{tag}", ", ".join(MANIFESTS))
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        return {
            "repositoryName": repository,
            "imageManifest": manifest.decode(),
            "imageManifestMediaType": media_type,
            "imageDigest": digest,
            "imageTag": tag,
        }

    def get(self, path: str, accept: str) -> tuple[bytes, str]:
        """Fetch from the registry's API; returns the content and its type."""
        headers = {"Accept": accept, "Authorization": f"Basic {self.basic}"}
        request = urllib.request.Request(f"https://{self.address}/v2/{path}", headers=headers)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=self.authority)),
        )
        with opener.open(request, timeout=30) as response:
            return response.read(), response.headers["Content-Type"]
