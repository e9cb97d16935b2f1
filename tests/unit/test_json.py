from datetime import datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from galos_ops.diagnostics import status
from galos_ops.engines.snapshot.cluster import Node
from galos_ops.engines.snapshot.registry import Registry
from galos_ops.engines.snapshot.snapshot import FreeSpace
from galos_ops.host.hold import Hold
from galos_ops.host.holder import LockState
from galos_ops.host.release_log import Release
from galos_ops.provisioning.aws import Image
from galos_ops.workflows.steps import Outcome
from tests.described import PLAIN, described, violations

NAMES = {str: "string", datetime: "string", int: "integer", float: "number", bool: "boolean"}
ADDED = {"status": {"well"}, "Image": {"runs"}}
CLASSES = {
    **{one.__name__: one for one in (Outcome, Release, Image, FreeSpace, Hold, LockState, Registry)},
    **{one.__name__: one for one in (status.Problem, status.ContainerStatus, status.ImageStatus)},
    **{one.__name__: one for one in (status.PendingStatus, status.ServiceStatus, Node)},
    "status": status.HostStatus,
}


@pytest.mark.parametrize("name", CLASSES)
def test_the_page_has_every_field_of_a_class_with_its_type_and_no_other(name: str) -> None:
    written = {name: kind(hint) for name, hint in get_type_hints(CLASSES[name]).items()}
    page = {field: kind for field, kind in described()[name].items() if field not in ADDED.get(name, ())}
    assert list(page.items()) == list(written.items())


def kind(hint: Any) -> str:
    """A type of the code as the page writes it."""
    members = get_args(hint)
    if type(None) in members:
        return f"{kind(next(one for one in members if one is not type(None)))} or null"
    if get_origin(hint) is tuple:
        return f"[{kind(members[0])}]"
    if get_origin(hint) is Literal:
        return "string"
    return NAMES.get(hint) or str(hint.__name__)


@pytest.mark.parametrize("change", [{"schema": "2"}, {"more": 1}, {"error": {}}, {"not_tried": None}, {"hosts": [{}]}])
def test_a_document_that_is_wrong_around_its_hosts_is_found(change: dict[str, Any]) -> None:
    document = {
        "schema": 2,
        "task": "history",
        "hosts": [],
        "not_tried": [],
        "differences": [],
        "exit": 0,
        "error": None,
    }
    assert violations(document, "history") == []
    assert violations(document | change, "history")


def test_every_type_of_the_page_is_plain_or_described() -> None:
    types = described()
    named = {kind.removesuffix(" or null").strip("[]{}") for fields in types.values() for kind in fields.values()}
    assert named <= PLAIN.keys() | types.keys()


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, []),
        ({"unreadable": "1"}, ["history.unreadable is not integer: '1'"]),
        ({"more": 1}, ["history: more is in one only"]),
        ({"releases": [{}]}, 20),
        ({"releases": None}, ["history.releases is not [Line]: None"]),
        ({"error": {"exit": True, "sentence": "", "evidence": [], "next": ""}}, 1),
        ({"host": None, "error": {"exit": 1, "sentence": "", "evidence": [], "next": ""}}, 1),
    ],
)  # fmt: skip
def test_a_document_that_is_not_as_described_is_found(change: dict[str, Any], wrong: list[str] | int) -> None:
    row = {"host": "box", "exit": 0, "error": None, "releases": [], "unreadable": 0} | change
    document = {
        "schema": 2,
        "task": "history",
        "hosts": [row],
        "not_tried": [],
        "differences": [],
        "exit": 0,
        "error": None,
    }
    found = violations(document, "history")
    assert (len(found) if isinstance(wrong, int) else found) == wrong
