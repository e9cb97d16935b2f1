"""What a .env may not hold, so that every docker-compose reads the same from it; no message holds a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from galos_ops.host.shell import EXPORTABLE
from galos_ops.provisioning.database_url import url_problem
from galos_ops.provisioning.dotenv_text import Entry, parse

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
DATABASE_URL = "DATABASE_URL"


Kind = Literal["malformed", "name", "placeholder", "duplicate", "dollar", "flavour", "no url", "bad url"]


@dataclass(frozen=True, order=True)
class Problem:
    """What is refused or, if not `refused`, worth a warning, in a line or, in line 0, in the whole file."""

    line: int
    words: str
    refused: bool = True
    kind: Kind = field(default="malformed", compare=False)

    def __str__(self) -> str:
        return f"line {self.line}: {self.words}" if self.line else self.words


@dataclass(frozen=True)
class Rule:
    """What a value as written may not hold, by how it is quoted."""

    quotes: tuple[str, ...]
    pattern: re.Pattern[str]
    words: str
    refused: bool = True
    kind: Kind = "flavour"


BARE, SINGLE, DOUBLE = "", "'", '"'
REFERENCE = r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}$]*)?\}"

# Each difference was measured with docker-compose 1.29.2, 2.26.1 and 5.6.1; {dollar} and {brace} are in `fixes`.
RULES = (
    Rule(
        (BARE, SINGLE, DOUBLE),
        re.compile(r"<<[^<>\n]*>>"),
        "holds a placeholder <<...>>: put the real value there",
        kind="placeholder",
    ),
    Rule(
        (BARE, SINGLE, DOUBLE),
        re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"),
        "holds a control character",
        kind="malformed",
    ),
    Rule(
        (BARE, DOUBLE),
        re.compile(rf"(?!{REFERENCE})\$[A-Za-z_{{$]|\\\$"),
        "holds a $ that docker-compose v1 and v2 read in different ways: {dollar}",
        kind="dollar",
    ),
    Rule(
        (BARE, DOUBLE),
        re.compile(REFERENCE),
        "holds a ${{...}}, which the host fills in from its own variables first",
        refused=False,
    ),
    Rule(
        (SINGLE,),
        re.compile(r"\$\{"),
        "holds a ${{ that docker-compose v1 expands in single quotes too: {brace}",
    ),
    Rule(
        (SINGLE,),
        re.compile(r"\\\\"),
        "holds two backslashes, one to docker-compose v1 and two to v2: write one",
    ),
    Rule(
        (DOUBLE,),
        re.compile(r"""(?<!\\)(?:\\\\)*\\(?:['0]|\\"\Z)"""),
        "holds a backslash that docker-compose v1 and v2 read in different ways: put the value in single quotes",
    ),
    Rule(
        (BARE,),
        re.compile(r"\A\#"),
        "starts with #, a comment to some and a value to others: put the value in single quotes",
    ),
    Rule(
        (SINGLE, DOUBLE),
        re.compile(r"\n"),
        "is more than one line, which docker-compose before 1.26 cannot read",
        refused=False,
    ),
)


def problems(text: str) -> list[Problem]:
    """Everything that would make a .env mean something else on the host than it says here, in the order of lines."""
    entries = parse(text)
    found = [*_line_problems(entries), *_url_problems(entries)]
    for entry in entries:
        found += _value_problems(entry)
    return sorted(found)


def fixes(raw: str) -> dict[str, str]:
    """How to write a value that holds a $."""
    if "://" in raw:
        return {"dollar": "write it as %24", "brace": "write the $ as %24"}
    return {"dollar": "put the value in single quotes", "brace": "use a value without it"}


def _line_problems(entries: Sequence[Entry]) -> Iterator[Problem]:
    """A name is shown only if it is one: a stray line of a secret can look like a key."""
    first: dict[str, int] = {}
    for entry in entries:
        if entry.malformed:
            yield Problem(entry.line, "cannot be read as NAME=value")
        elif entry.key and entry.raw is None:
            yield Problem(entry.line, "has no =")
        elif entry.key and not NAME.match(entry.name):
            yield Problem(entry.line, "has a name that is not made of letters, digits, _ . - alone")
        elif entry.key in first:
            yield Problem(entry.line, f"{entry.key} is set in line {first[entry.key]} already", kind="duplicate")
        elif entry.key:
            first[entry.key] = entry.line
            if not EXPORTABLE.fullmatch(entry.key):
                words = "no shell can export: migration.backup, and a migration with where: host, run without it"
                yield Problem(entry.line, f"{entry.key} is a name that {words}", refused=False, kind="name")
        if entry.exported:
            words = "starts with export, which docker-compose before 1.26 refuses"
            yield Problem(entry.line, words, refused=False, kind="flavour")
        if entry.quote == BARE and re.match(r"\s*[^\S ]#", entry.comment):
            words = "has a comment that docker-compose v2 reads as value: put a space before the #"
            yield Problem(entry.line, words, kind="flavour")


def _value_problems(entry: Entry) -> Iterator[Problem]:
    shown = entry.key if NAME.match(entry.name) else "it"
    for rule in RULES:
        if entry.raw and entry.quote in rule.quotes and rule.pattern.search(entry.raw):
            yield Problem(entry.line, f"{shown} {rule.words.format(**fixes(entry.raw))}", rule.refused, rule.kind)


def _url_problems(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Check DATABASE_URL with its `${...}` filled in from the file; unchecked where the file does not have them."""
    from dotenv.variables import Variable, parse_variables

    known = {entry.key: entry for entry in entries if entry.key and entry.raw is not None}
    if DATABASE_URL not in known:
        yield Problem(0, f"{DATABASE_URL} is not set", kind="no url")
        return
    values = {key: entry.value for key, entry in known.items()}
    atoms = list(parse_variables(values[DATABASE_URL]))
    if all(atom.name in values or atom.default is not None for atom in atoms if isinstance(atom, Variable)):
        problem = url_problem("".join(atom.resolve(values) for atom in atoms))
        if problem:
            yield Problem(known[DATABASE_URL].line, f"{DATABASE_URL} {problem}", kind="bad url")
