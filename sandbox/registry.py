"""The sandbox's registry, as the developer's machine reaches it: the HTTP API that `docker push` speaks."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from galos_ops.errors import CommandFailed, NotReadyError
from sandbox.layers import MANIFEST, Image, digest

MANIFESTS = (MANIFEST, "application/vnd.oci.image.manifest.v1+json")
SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What the registry answered."""

    status: int
    media_type: str
    location: str
    content: bytes


@dataclass(frozen=True)
class Link:
    """A connection to the registry, kept open between requests."""

    connection: http.client.HTTPSConnection
    basic: str

    def ask(self, method: str, path: str, content: bytes = b"", **headers: str) -> Answer:
        """Send one request and read its answer to the end, whatever its status."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self.connection.request(method, path, content or None, {"Authorization": f"Basic {self.basic}", **named})
            response = self.connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise NotReadyError("the sandbox's registry does not answer", evidence=str(error)) from None
        return Answer(response.status, response.getheader("Content-Type", ""), response.getheader("Location", ""), body)

    def get(self, path: str, accept: str) -> Answer:
        """Fetch; raises CommandFailed unless there is what was asked for, or nothing (404)."""
        answer = self.ask("GET", path, Accept=accept)
        return answer if answer.status == 404 else expect(answer, 200, f"GET {path}")

    def upload(self, repository: str, blob: bytes) -> None:
        """Put a blob into a repository, unless it is there."""
        name = f"sha256:{digest(blob)}"
        if self.ask("HEAD", f"/v2/{repository}/blobs/{name}").status == 200:
            return
        begun = expect(self.ask("POST", f"/v2/{repository}/blobs/uploads/"), 202, "beginning an upload")
        target = begun.location.partition("/v2/")[2]
        where = f"/v2/{target}{'&' if '?' in target else '?'}digest={name}"
        expect(self.ask("PUT", where, blob, Content_Type="application/octet-stream"), 201, "uploading a layer")


@dataclass(frozen=True)
class Registry:
    """A registry at a port of 127.0.0.1, with the authority that signed its certificate and its password."""

    port: int
    authority: str
    user: str
    password: str

    @property
    def basic(self) -> str:
        """The credentials as HTTP basic authentication has them."""
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    @contextlib.contextmanager
    def link(self) -> Iterator[Link]:
        """Connect for the time of the block."""
        context = ssl.create_default_context(cadata=self.authority)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=SECONDS, context=context)
        with contextlib.closing(connection):
            yield Link(connection, self.basic)

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository, `latest` last; none where nothing was pushed yet."""
        with self.link() as link:
            answer = link.get(f"/v2/{repository}/tags/list", "application/json")
        known = json.loads(answer.content)["tags"] or [] if answer.status == 200 else []
        return sorted(known, key=lambda tag: (tag == "latest", tag))

    def images(self, repository: str, tags: Sequence[str]) -> list[dict[str, Any]]:
        """Tags of a repository as the parameters of ECR's PutImage."""
        with self.link() as link:
            answers = [link.get(f"/v2/{repository}/manifests/{tag}", ", ".join(MANIFESTS)) for tag in tags]
        for tag, answer in zip(tags, answers, strict=True):
            expect(answer, 200, f"reading {repository}:{tag}")
        return [
            put_image(repository, tag, answer.content, answer.media_type)
            for tag, answer in zip(tags, answers, strict=True)
        ]

    def push(self, repository: str, image: Image, references: Sequence[str]) -> None:
        """Let each tag or digest refer to the image; its layers go along where the repository lacks them."""
        with self.link() as link:
            for reference in references:
                path = f"/v2/{repository}/manifests/{reference}"
                answer = link.ask("PUT", path, image.manifest, Content_Type=MANIFEST)
                if answer.status in (400, 404):
                    for blob in image.blobs:
                        link.upload(repository, blob)
                    answer = link.ask("PUT", path, image.manifest, Content_Type=MANIFEST)
                expect(answer, 201, f"pushing {repository}:{reference}")


def put_image(repository: str, tag: str, manifest: bytes, media_type: str = MANIFEST) -> dict[str, Any]:
    """The parameters of ECR's PutImage for a manifest that was pushed."""
    return {
        "repositoryName": repository,
        "imageManifest": manifest.decode(),
        "imageManifestMediaType": media_type,
        "imageDigest": f"sha256:{digest(manifest)}",
        "imageTag": tag,
    }


def expect(answer: Answer, status: int, what: str) -> Answer:
    """Return the answer; raises CommandFailed where its status is another one."""
    if answer.status != status:
        raise CommandFailed(
            f"{what} failed: the sandbox's registry answered {answer.status}",
            evidence=answer.content.decode(errors="replace"),
        )
    return answer
