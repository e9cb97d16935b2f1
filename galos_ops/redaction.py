"""What may be shown: terminal control sequences, passwords in URLs and the values of a host's .env are taken out.

docker-compose quotes pieces of .env in its errors, tools print variables. So whatever they print is compared with what
the host's files really hold: as written, line by line, well-formed or not.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

from galos_ops import escapes

# patterns are compiled at their first use, which `fab --list` never comes to
CONTROL = r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
USERINFO = r"(://[^\s:/@]*:)\S+@"
QUOTED = r"""(?<!\w)("(?:\\.|[^"\\])*("|$)|'(?:\\.|[^'\\])*('|$)|`[^`]*(`|$))"""
HIDDEN = "***"

LEAST = 4  # characters of a value that is taken out; a shorter one is in every text
LONG = 8  # characters from which on it is taken out inside of words, too
MIXED = 6  # the same for one that is neither letters nor digits alone
TOKEN = 12  # characters of a URL's user name without a password that is a key, as in https://KEY@sentry.io/1
NAME = r"[A-Za-z_][A-Za-z0-9_.-]*\Z"
REFERENCE = r"\$(?:\{(?![A-Z_][A-Z0-9_]*[^A-Za-z0-9_])|(?!\{))(\w+)"
SENSITIVE_PARAMETER = r"(?i)pass|pwd|secret|token|key|sig"
KEYWORD = (
    r"""(?<![\w.-])([\w.-]+)\s*=\s*"""
    r"""(?:'((?:\\.|[^'\\])*)|"((?:\\.|[^"\\])*)|(?=([^\s'"]\S*))[^\s;,&]*)"""
)
"""A word such as `password=VALUE` of a connection string; a quote may have lost its end with that of all of it."""
JSON_PIECE = r'[\[{]|.*"[\s,\]}]*[,\]}]\Z'
JSON_STRING = r'"((?:\\.|[^"\\])*)"?(\s*:)?'
HARMLESS = frozenset({
    "true", "false", "null", "none", "info", "debug", "warn", "warning", "error", "trace", "prod", "production",
    "devel", "development", "staging", "test", "testing", "localhost", "default", "enabled", "disabled", "auto",
    "json", "text", "utf-8", "utf8", "require", "prefer", "disable", "verify-full",
})  # fmt: skip
SETTINGS = frozenset({"COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"})
"""The variables of .env that name files and containers, which a person types: they hold no secret."""
OURS = frozenset({
    "schema", "host", "service", "event", "state", "tag", "time", "image", "previous", "id", "name", "step",
    "reference", "digest", "next", "sentence", "user", "machine", "run", "task", "since", "compose", "engine",
    "compose_file", "path", "created", "fix", "why", "check", "not_tried",
})  # fmt: skip
"""The keys of our JSON documents whose values are words and names of our own."""


class _Known:
    """The values that were learnt, and the patterns made of them; threads of several hosts share it."""

    def __init__(self) -> None:
        self._learning = threading.RLock()  # a signal may interrupt who holds it to show something
        self.pieces: set[str] = set()
        self.references: set[str] = set()
        self.public: set[str] = set()
        self._made: tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]] | None = None

    def learn(self, pieces: Iterable[str], references: Iterable[str] = (), public: Iterable[str] = ()) -> None:
        with self._learning:
            before = len(self.pieces), len(self.references), len(self.public)
            self.pieces |= set(pieces)
            self.references |= set(references)
            self.public |= set(public)
            if before != (len(self.pieces), len(self.references), len(self.public)):
                self._made = None

    def patterns(self) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
        """Values that are taken out anywhere, those taken out as whole words, names of references."""
        with self._learning:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
        kept = {piece for piece in self.pieces if piece not in self.public}
        inside = {piece for piece in kept if _anywhere(piece)}
        whole = rf"(?:(?<!\w)(?<!\w[-.])|(?<=\\[nrt]))(?:{_any(kept - inside)})(?![-.]?\w)"
        phrase = rf'(?<=\bThe )(\\*"?)(?:{_any(self.references)})(?=\\*"? variable is not set)'
        return re.compile(_any(inside)), re.compile(whole), re.compile(phrase)


_KNOWN = _Known()


def learn(texts: Iterable[str], values: Iterable[str] = ()) -> None:
    """Take the values of these .env files out of whatever is shown from now on, and these values."""
    files, singles = list(texts), list(values)
    pieces = {piece for text in files for piece in pieces_of(text)} | {
        piece for one in singles for piece in _value(one)
    }
    _KNOWN.learn(pieces, (name for text in [*files, *singles] for name in re.findall(REFERENCE, text)))


def publish(tree: object) -> None:
    """Let the words of a configuration be shown, though .env may hold one of them as a value."""
    _KNOWN.learn((), public=_leaves(tree))


@dataclass(frozen=True, repr=False)
class Secret:
    """A text that is shown as ***; who needs it asks for its `value`."""

    value: str = ""

    def __repr__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self.value)


def unquoted(text: str) -> str:
    """Return the text with `...` for all that it quotes, to the end of the text where a quote does not end."""
    return re.sub(QUOTED, "...", text)


def masked(text: str) -> str:
    """What somebody else wrote, such as docker-compose or a migration tool, as it may be shown."""
    return without_values(printable(text))


def printable(text: str) -> str:
    """Return a text without control sequences and the passwords of URLs."""
    return re.sub(USERINFO, rf"\1{HIDDEN}@", re.sub(CONTROL, "", text))


def without_values(text: str) -> str:
    """The same text without the values of .env."""
    inside, words, names = _KNOWN.patterns()
    text = escapes.sub(words, HIDDEN, escapes.sub(inside, HIDDEN, text))
    return names.sub(rf"\1{HIDDEN}", text)


def masked_output(data: bytes) -> bytes:
    """A piece of a command's output without the values of .env, every other byte as it is."""
    return without_values(data.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def masked_own(text: str) -> str:
    """A sentence of ours as it may be shown, in which short values of .env may well be ordinary words."""
    return escapes.sub(_KNOWN.patterns()[0], HIDDEN, printable(text))


def masked_tree(tree: Any, key: str = "") -> Any:
    """A JSON document as it may be shown; its keys stay as they are."""
    if isinstance(tree, Mapping):
        return {name: masked_tree(value, str(name)) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [masked_tree(value, key) for value in tree]
    if isinstance(tree, str):
        return masked_own(tree) if key in OURS else masked(tree)
    return tree


def pieces_of(text: str) -> set[str]:
    """What of a .env must not be shown: its values in lines, without their quotes, and stray lines as a whole."""
    return {piece for line in re.split(r"[\r\n]+", text) for piece in _line(line.strip("\ufeff \t"))}


def _line(line: str) -> Iterator[str]:
    statement = re.sub(r"^(?:#\s*)?(?:export\s+)?", "", line)
    name, separator, value = re.match(r"([^=:]*)([=:]?)(.*)", statement, re.DOTALL).groups()  # type: ignore[union-attr]
    if separator and name.strip() not in SETTINGS:
        yield from _value(value)
    if not line.startswith("#") and not (separator and re.match(NAME, name.strip())):
        yield from _value(line)
        yield from _value(name)


def _value(written: str) -> Iterator[str]:
    """The pieces of one value."""
    for text in dict.fromkeys((written, re.split(r"\s+#", written)[0])):
        bare = text.strip().strip("'\"").strip()
        meant = re.sub(r"\\([^nr])", r"\1", bare)
        leaves = (leaf for form in dict.fromkeys((text.strip("' "), bare, meant)) for leaf in _json_strings(form))
        for line in dict.fromkeys((bare, meant, *_lines(bare), *_parts(bare), *leaves)):
            for piece in (*_of_url(line.strip()), *_of_keywords(line)):
                yield from filter(_counts, (piece, escapes.plain(piece)))


def _lines(value: str) -> list[str]:
    return re.split(r"[\r\n]+|\\[nr]", value)


def _json_strings(text: str) -> Iterator[str]:
    """The strings of JSON, or of a line of it, but the names of its members; as they stand there and as they are."""
    if not re.match(JSON_PIECE, text, re.DOTALL):
        return
    for written, name in re.findall(JSON_STRING, text, re.DOTALL):
        if not name:
            yield from _lines(written)
            try:
                yield from _lines(json.loads(f'"{written}"', strict=False))
            except ValueError:
                continue


def _parts(value: str) -> list[str]:
    """What docker-compose takes apart where a value holds a `$`: `${NAME?words}`, `pa$w0rd`."""
    named = re.sub(r"\$\{[A-Z_][A-Z0-9_]*(?=[}:?+-])", "${", value)
    return re.split(r"\$\{?|\}|:?[-?+]", named) if "$" in value else []


def _of_url(value: str) -> Iterator[str]:
    """Of a URL with a password that and no more, so that people see which host it is about; else the value."""
    if "://" not in value:
        yield value
        return
    user, at, _ = re.sub(r"^[A-Za-z][\w+.-]*://", "", value).rpartition("@")
    _, colon, password = user.partition(":")
    yield from (password, unquote(password)) if colon else ([user] if len(user) >= TOKEN else [])
    yield from () if at else (value,)
    for parameter in value.partition("?")[2].partition("#")[0].split("&"):
        name, _, given = parameter.partition("=")
        if re.search(SENSITIVE_PARAMETER, unquote(name)):
            yield from (given, unquote(given), unquote_plus(given))


def _of_keywords(value: str) -> Iterator[str]:
    """What a connection string, as `host=db password=...`, gives its sensitive keywords; URLs in it are left out."""
    for name, single, double, bare in re.findall(KEYWORD, re.sub(r"://[^\s;]*", "://", value), re.DOTALL):
        if re.search(SENSITIVE_PARAMETER, name):
            given = single or double or bare
            yield from (given, re.sub(r"\\(.)", r"\1", given))
            yield re.split("[;,&]", bare)[0]


def _counts(piece: str) -> bool:
    return len(piece) >= LEAST and piece.lower() not in HARMLESS


def _anywhere(piece: str) -> bool:
    mixed = not piece.isalpha() and not piece.isdigit()
    return len(piece) >= (MIXED if mixed else LONG)


def _any(words: Iterable[str]) -> str:
    """A pattern for any of some words, the longest first; without any it matches nothing."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) or r"(?!)"


def _leaves(tree: object) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from (str(name), *_leaves(value))
    elif isinstance(tree, str):
        yield tree
