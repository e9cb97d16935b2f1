"""What of a .env is taken out of what is shown, however docker-compose takes it apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from galos_ops import redaction
from galos_ops.errors import NotReadyError
from galos_ops.redaction import learn, masked, masked_own, masked_tree, pieces_of, publish


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """What one test lets be learnt is forgotten before the next one."""
    known, redaction._KNOWN = redaction._KNOWN, redaction._Known()
    yield
    redaction._KNOWN = known


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ('PASSWORD="hunter2\nA=1', 'failed to read .env: line 1: unterminated quoted value "hunter2'),
        ("hunter2words", "environment variable name 'hunter2words' may not contain whitespace"),
        ("MY PASSWORD=hunter2", 'line 1: unexpected character " " in variable name "MY PASSWORD=hunter2"'),
        ("export PASSWORD=hunter2", "hunter2"),
        ("# PASSWORD=hunter2", "hunter2"),
        ("PASSWORD: hunter2", "PASSWORD is hunter2."),
        ("PASSWORD=hunter2 # old", "hunter2"),
        ("PASSWORD=${X?hunter2}", "required variable X is missing a value: hunter2"),
        ("PASSWORD=ab${X?say hunter2}", "required variable X is missing a value: say hunter2"),
        ('KEY="hunter2\nbegin-hunter2\nhunter2-end"', "begin-hunter2 then hunter2-end"),
        (r'KEY="hunter2\nmore-hunter2"', "hunter2\nmore-hunter2"),
        ('A="hunter2\\"quoted"', json.dumps('hunter2\\"quoted')),
        ('A=hunter2"x', 'level=error msg="value \\"hunter2\\\\\\"x\\""'),
        ("A=hunter2\\x", repr("hunter2\\x")),
        ("A='it\\'s-hunter2'", "it's-hunter2"),
        ("DATABASE_URL=postgresql://ann:hunter2%21@db/x", "password hunter2! of hunter2%21"),
        ("DATABASE_URL=postgresql://ann:hunter2 x@db/x", "postgresql://ann:hunter2 x@db/x"),
        ("URL=https://db/x?sslpassword=hunter2", "hunter2"),
        ("URL=postgres://x@h/d?password=hunter%202", "postgres://x@h/d?password=hunter%202 is hunter 2"),
        ("URL=postgres://x@h/d?a=1&password=hunter+2&b=2", "hunter+2, hunter 2"),
        ("URL=https://h/d?pwd=hunter2", "hunter2"),
        ('PG="host=db password=hunter2"', "host=10.0.0.3 password=hunter2"),
        ("PG=host=db password = hunter2 user=ann", "password=hunter2"),
        ("PG=\"host=db user=ann password='hunter 2'\"", "'hunter 2'"),
        (r"PG=password='hunter\'2' host=db", r"hunter'2 is hunter\'2"),
        ("MS=Server=db;User Id=sa;Pwd=hunter2;Encrypt=true", "hunter2"),
        ("MS=jdbc:sqlserver://db:1433;user=sa;password=hunter2;encrypt=true", "hunter2"),
        ("REDIS=cache:6380,password=hunter2,ssl=True", "password hunter2"),
        ("DUMP=pg_dump --password=hunter2 -h db", "hunter2"),
        ('CONFIG={"password": "hunter2"}', "password hunter2"),
        ("""CONFIG='{"db": {"password": "hunter2"}, "ports": [1, 2]}'""", "hunter2"),
        (r'CONFIG="{\"password\": \"hunter2\"}"', "hunter2"),
        ('KEYS=["hunter1", "hunter2"]', "hunter1, hunter2"),
        (r'CONFIG={"password": "hunter\u00e9\"2"}', r"hunter" + "\u00e9" + r'"2 is hunter\u00e9\"2'),
        ('CONFIG=\'{\n  "password": "hunter2",\n  "keys": [\n    "hunter3"\n  ]}\'', "hunter2 hunter3"),
        ('CONFIG={"url": "postgres://ann:hunter2@db/x"}', "hunter2"),
        ('CONFIG={"key": "begin\\nhunter2\\nend"}', "hunter2"),
        ("\ufeffPASSWORD=hunter2\r\n", "hunter2"),
        ("PASSWORD=hunter", "[hunter] (hunter) hunter: hunter."),
        ("PASSWORD=hunter", '"A=1\\nhunter\\n"'),
        ("PASSWORD=hunter&<>='2", r'{"dsn":"hunter\u0026\u003c\u003e\u003d\u00272"}'),
        ("PASSWORD=hunter&<>2", r'level=error msg="{\"dsn\":\"hunter\\u0026\\u003C\\u003E2\"}"'),
        ("PASSWORD=hunter2+/secret=", r'{"key":"hunter2\u002B\/secret\u003D"}'),
        ("PASSWORD=hunter&<2", "https://h/?p=hunter%26%3c2"),
        ("PASSWORD=h\u00fcnter22 hunter", json.dumps("h\u00fcnter22 hunter")),
        ("PASSWORD='a\\\\\\\\b-hunter'", json.dumps("a\\\\\\\\b-hunter")),
        ("PASSWORD=hunter\U0001f511key", json.dumps("hunter\U0001f511key")),
    ],
)
def test_no_piece_of_a_value_is_shown(env: str, shown: str) -> None:
    learn([env])
    assert "hunter" not in masked(shown)


def test_the_name_that_a_dollar_makes_of_a_password_is_not_shown() -> None:
    learn(["PASSWORD=pa$w0\nB=pa${s}${HOME_DIRECTORY}"])
    assert masked('The "w0" variable is not set. Defaulting') == 'The "***" variable is not set. Defaulting'
    assert masked(r"msg=\"The \"s\" variable is not set\"") == r"msg=\"The \"***\" variable is not set\""
    assert masked("The HOME_DIRECTORY variable is not set.") == "The HOME_DIRECTORY variable is not set."


def test_ordinary_words_stay() -> None:
    learn(["A=1\nB=true\nLOG=info\nMODE=prod\nC=abc\nSERVICE=galos\n"])
    text = "info: true, 1 of 3 in prod: abc; galos-sync of eu.galos is up"
    assert masked(text) == text
    assert masked("role galos, port 1") == "role ***, port 1"


@pytest.mark.parametrize(
    "env",
    [
        "PG=host=db.example.org port=5432 user=galos sslmode=require password=true",
        "MS=Server=db.example.org;Database=galos;Pwd=info;Encrypt=true",
        'CONFIG={"password": "true", "secret": "abc", "level": "info", "galos": 5432, "db.example.org": null}',
        "URL=postgres://galos@db.example.org:5432/galos?sslmode=require&password=true&connect_timeout=5432",
    ],
)
def test_of_what_holds_a_password_among_others_the_others_stay(env: str) -> None:
    learn([env])
    text = "galos at db.example.org:5432 with sslmode=require: info, true, abc, password, secret, level"
    assert masked(text) == text


def test_a_url_is_shown_without_its_password() -> None:
    learn(["DATABASE_URL=postgresql://ann:hunter2@db/elite"])
    assert masked("cannot reach postgresql://ann:hunter2@db/elite") == "cannot reach postgresql://ann:***@db/elite"


def test_a_sentence_of_ours_keeps_short_words_and_loses_long_values() -> None:
    learn(["MODE=pull\nKEY=0123456789abcdef"])
    error = NotReadyError("could not pull 0123456789abcdef.", evidence="pull 0123456789abcdef", hint="fab pull")
    assert error.message == "could not pull ***.\n  | *** ***\nnext: fab pull"
    assert masked_own("pull") == "pull"


def test_what_the_configuration_holds_is_no_secret() -> None:
    publish({"services": {"galos-sync": {"repository": "galos-map"}}})
    learn(["A=galos-sync\nB=galos-map"])
    assert masked("galos-sync galos-map") == "galos-sync galos-map"


def test_what_docker_compose_names_containers_and_files_by_is_no_secret() -> None:
    learn(["COMPOSE_PROJECT_NAME=elite-prod\nexport COMPOSE_FILE='base.yml:elite.yml'\nTOKEN=hunter2words"])
    text = "elite-prod-galos-sync-1 of base.yml:elite.yml"
    assert masked(text) == text
    learn(["PASSWORD=elite-prod"])
    assert masked(text) == "***-galos-sync-1 of base.yml:elite.yml"


def test_a_document_stays_one_and_keeps_our_own_words() -> None:
    learn(["MODE=deploy\nCOUNT=12345\nNAME=evidence\nPASSWORD=hunter2"])
    tree = {"event": "deploy", "seconds": 12345, "evidence": ["deploy 12345 hunter2"], "next": "hunter2"}
    assert json.loads(json.dumps(masked_tree(tree))) == {
        "event": "deploy",
        "seconds": 12345,
        "evidence": ["*** *** ***"],
        "next": "***",
    }


@given(st.text(), st.text())
@example("=", "\\")
@example("://@", "")
@example("A=http://[", "")
def test_no_file_and_no_text_are_an_error(env: str, text: str) -> None:
    redaction._KNOWN = redaction._Known()
    learn([env], [text])
    masked(text)


@given(st.from_regex(r"[A-Za-z0-9!%&/()=+*#~^°ß{}\[\]|<>;,.-]{8,30}", fullmatch=True))
def test_a_long_value_is_shown_nowhere(value: str) -> None:
    redaction._KNOWN = redaction._Known()
    learn([f"PASSWORD='{value}'"])
    assert value not in masked(f"x{value}y {value} {json.dumps(value)} {value!r}")
    coded = [json.dumps(value), json.dumps(json.dumps(value)), quote(value), quote(value, safe="")]
    html = "".join(rf"\u{ord(one):04x}" if one in "&<>='" else one for one in value)
    assert {masked(each).strip('\\"') for each in (*coded, html)} == {"***"}
    assert pieces_of(f"PASSWORD='{value}'")
