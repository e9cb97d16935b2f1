"""The AWS files of the host: INI merged line by line, written by a real shell."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galos_ops.config.settings import Settings
from galos_ops.errors import NotReadyError
from galos_ops.provisioning import ecr, ini
from tests.unit.local_host import LocalHost

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        (None, "[default]\nregion = r\n"),
        ("", "[default]\nregion = r\n"),
        ("[default]\nregion=old\n", "[default]\nregion=r\n"),
        ("[default]\nregion = r\n", "[default]\nregion = r\n"),
        ("[default]\nregion:  r", "[default]\nregion:  r"),
        ("[default]\nREGION = old\n", "[default]\nREGION = r\n"),
        ("[default]\nregion =\n", "[default]\nregion =r\n"),
        ("[default]\nregion = old # why\n", "[default]\nregion = r # why\n"),
        ("[default]\nregion = r ; why\n", "[default]\nregion = r ; why\n"),
        ("[default]\n  region = old\n  output = json\n", "[default]\n  region = r\n  output = json\n"),
        ("[default]\nregion = old\n    more\noutput = x\n", "[default]\nregion = r\noutput = x\n"),
        ("[default]\nregion = old\n    more\n# note\n\n[b]\n", "[default]\nregion = r\n# note\n\n[b]\n"),
        ("[default]\n  a=a\n\n  # in", "[default]\n  a=a\n  region = r\n\n  # in"),
        ("[default]", "[default]\nregion = r"),
        ("[default]\noutput = json", "[default]\noutput = json\nregion = r"),
        ("[default]\noutput = json\n\n[a]\nx=1\n", "[default]\noutput = json\nregion = r\n\n[a]\nx=1\n"),
        ("[default]\r\nregion = old\r\n", "[default]\r\nregion = r\r\n"),
        ("[default]\r\n[b]\r\n", "[default]\r\nregion = r\r\n[b]\r\n"),
        ("[b]\nregion = b\n", "[b]\nregion = b\n\n[default]\nregion = r\n"),
        ("[DEFAULT]\nregion = b\n", "[DEFAULT]\nregion = b\n\n[default]\nregion = r\n"),
        ("# top\n\n; more\n", "# top\n\n; more\n\n[default]\nregion = r\n"),
        (
            "[default]\ns3 =\n  max_concurrent_requests = 20\n  region = nested\n",
            "[default]\ns3 =\n  max_concurrent_requests = 20\n  region = nested\nregion = r\n",
        ),
        ("[profile default]\nregion = old\n", "[profile default]\nregion = r\n"),
        ('[profile  "default"]\nregion = old\n', '[profile  "default"]\nregion = r\n'),
        ("[default]\n[profile default]\nregion=o\n", "[default]\nregion = r\n[profile default]\nregion=r\n"),
        ("[profile defaults]\n", "[profile defaults]\n\n[default]\nregion = r\n"),
    ],
)
def test_ini_merge(text: str | None, merged: str) -> None:
    sections = ("default", "profile default")
    assert ini.merged(text, {"region": "r"}, name="x", sections=sections) == merged
    assert ini.merged(merged, {"region": "r"}, name="x", sections=sections) == merged


@pytest.mark.parametrize(
    "text",
    [
        f"aws_secret_access_key = {SECRET}\n",
        f"[default]\n{SECRET}\n",
        f"[default]\na = {SECRET}\na = 2\n",
        "[default]\n[default]\n",
        f"\ufeff[default]\na = {SECRET}\n",
        f"[default\na = {SECRET}\n",
    ],
)
def test_an_ini_file_that_does_not_parse_is_left_alone(box: LocalHost, text: str) -> None:
    inode = box.put(ecr.CONFIG, text).stat().st_ino
    with pytest.raises(NotReadyError, match=r"box: ~/\.aws/config cannot be read") as caught:
        ecr.region(box, Settings())
    assert re.search(r"line \d", caught.value.evidence)
    assert SECRET not in f"{caught.value.message}"
    assert box.files() == {ecr.CONFIG: text}
    assert box.path(ecr.CONFIG).stat().st_ino == inode


def test_the_region_is_put_on_a_host_once(host: LocalHost) -> None:
    assert ecr.region(host, Settings()).detail == "~/.aws/config written"
    assert host.files() == {ecr.CONFIG: "[default]\nregion = eu-central-1\n"}
    inode = host.path(ecr.CONFIG).stat().st_ino
    assert ecr.region(host, Settings()).detail == "~/.aws/config unchanged"
    assert host.path(ecr.CONFIG).stat().st_ino == inode


def test_a_file_without_a_secret_keeps_its_mode_where_nothing_changes(host: LocalHost) -> None:
    path = host.put(ecr.CONFIG, "[default]\nregion = eu-central-1\n", mode=0o644)
    assert not ecr.region(host, Settings()).changed
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_others_wrote_is_kept_to_the_byte(host: LocalHost) -> None:
    text = "# ours, since 2019 é\r\n[profile default]\r\n  region=us-east-1 ; old\r\n[b]\r\nx = 1"
    (host.home / "dotfiles").mkdir()
    host.put("~/dotfiles/config", text, mode=0o640)
    (host.home / ".aws").mkdir()
    (host.home / ".aws/config").symlink_to("../dotfiles/config")
    done = ecr.region(host, Settings())
    assert (done.changed, done.detail) == (True, "~/.aws/config updated")
    assert host.files()["~/dotfiles/config"] == text.replace("us-east-1", "eu-central-1")
    assert (host.home / ".aws/config").is_symlink()


words = st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True)


@st.composite
def ini_files(draw: st.DrawFn) -> str:
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines: list[str] = draw(st.lists(st.sampled_from(["# top", "", "; c"]), max_size=2))
    for section in draw(st.lists(st.sampled_from(["default", "a", "profile b", "DEFAULT"]), unique=True)):
        lines.append(f"[{section}]")
        indent = draw(st.sampled_from(["", "  "]))
        options = draw(st.lists(st.one_of(words, st.sampled_from(["region", "output"])), unique=True, max_size=4))
        for key in options:
            lines.append(f"{indent}{key}{draw(st.sampled_from(['=', ' = ']))}{draw(words)}")
            lines += draw(st.sampled_from([[], [f"{indent}    nested = 1"], ["# note"], [""], ["", f"{indent}# in"]]))
    text = "".join(line + end for line in lines)
    return text if draw(st.booleans()) else text.removesuffix(end)


@given(ini_files())
def test_ini_merge_sets_ours_and_keeps_every_other_line(text: str) -> None:
    merged = ini.merged(text, {"region": "r"}, name="x")
    assert ini.merged(merged, {"region": "r"}, name="x") == merged
    before, after = tree(text), tree(merged)
    assert after.pop("default") == {**before.pop("default", {}), "region": "r"}
    assert after == before
    remaining = iter(merged.splitlines())
    kept = [line for line in text.splitlines() if "region" not in line and "nested" not in line]
    assert all(line in remaining for line in kept)


def tree(text: str) -> dict[str, dict[str, str]]:
    """The file as botocore reads it."""
    from configparser import RawConfigParser

    parser = RawConfigParser(default_section="no such section")
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}
