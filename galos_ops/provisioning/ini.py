"""Merge keys into the default profile of an AWS file: INI, with everything else kept to the byte."""

from __future__ import annotations

import configparser
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from galos_ops.provisioning.files import left_alone

if TYPE_CHECKING:
    from configupdater import ConfigUpdater, Section

ASSIGNMENT = re.compile(
    r"(?P<head>\s*[^=:]+[=:][^\S\r\n]*)(?P<value>.*?)(?P<comment>[^\S\r\n]+[#;].*?)?[^\S\r\n]*(?P<end>\r?\n?)\Z"
)


def merged(
    text: str | None,
    values: Mapping[str, str],
    *,
    name: str,
    sections: Collection[str] = ("default",),
    drop: Collection[str] = (),
) -> str:
    """The text with `values` set and the keys `drop` removed in every section that is one of `sections`.

    Where there is none a `[default]` is added at the end. Keys are lower case and match any case, as the AWS SDKs read
    them. Raises `NotReadyError` for a file called `name` that does not parse.
    """
    text = text or ""
    end = "\r\n" if "\r\n" in text else "\n"
    whole = text if text.endswith("\n") or not text else text + end
    document = _parsed(whole, name)
    homes = [section for section in document.section_blocks() if section_name(section.name) in sections]
    for section in homes:
        _set(section, values, drop, end)
    result = str(document)
    if not homes:
        lines = ["[default]", *(f"{key} = {value}" for key, value in values.items())]
        result += (end if result else "") + "".join(line + end for line in lines)
    return result if whole == text else result.removesuffix(end)


def keys(text: str | None, *, name: str, section: str = "default") -> set[str]:
    """The keys that one section sets, in lower case; raises `NotReadyError` as `merged` does."""
    return {
        option.raw_key.lower()
        for block in _parsed(text or "", name).section_blocks()
        if section_name(block.name) == section
        for option in block.option_blocks()
    }


def section_name(header: str) -> str:
    """A section's name with its quotes and doubled spaces gone: `profile "default"` is `profile default`."""
    return re.sub(r"[\s\"']+", " ", header).strip()


def _parsed(text: str, name: str) -> ConfigUpdater:
    from configupdater import ConfigUpdater
    from configupdater.parser import InconsistentStateError

    document = ConfigUpdater()
    try:
        document.read_string(text)
    except (configparser.Error, InconsistentStateError) as error:
        raise left_alone(name, _reason(error)) from None
    return document


def _reason(error: Exception) -> str:
    """What is wrong and where, without the line itself: it may hold a key."""
    lines = [number for number, _ in getattr(error, "errors", [])] or [getattr(error, "lineno", "unknown")]
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__.removesuffix("Error")).lower()
    return f"{kind} error in line {', '.join(map(str, lines))}"


def _set(section: Section, values: Mapping[str, str], drop: Collection[str], end: str) -> None:
    """Edit whole lines: a changed `Option` would lose its indentation, its line end and its comments."""
    present = set()
    for option in section.option_blocks():
        key = option.raw_key.lower()
        if key in drop:
            option.detach()
        elif key in values:
            present.add(key)
            first, *more = option.lines
            comments = [line for line in more if line.strip()[:1] in ("", "#", ";")]
            option.lines[:] = [_assigned(first, values[key]), *comments]
    last = [section, *section.option_blocks()][-1]
    indent = last.lines[0][: -len(last.lines[0].lstrip())]
    last.lines.extend(f"{indent}{key} = {value}{end}" for key, value in values.items() if key not in present)


def _assigned(line: str, value: str) -> str:
    parts = ASSIGNMENT.match(line)
    if parts is None or parts["value"] == value:
        return line
    return f"{parts['head']}{value}{parts['comment'] or ''}{parts['end']}"
