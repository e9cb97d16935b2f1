"""Differences of files: what changes is seen, no secret is."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galos_ops.provisioning import diffs

SECRETS = st.text(
    string.ascii_letters + string.digits + "/+=$#:;,&%!?@ '\\{}[]\u00e9\u2028", min_size=6, max_size=40
).filter(lambda text: len(text.strip(" '=#:;,\\{}[]")) > 3)
NAMES = st.text(string.ascii_uppercase + "_", min_size=1, max_size=12)


def told(old: str | None, new: str, mask: diffs.Mask) -> str:
    return "\n".join(diffs.unified("~/file", old, new, mask))


def parts(secret: str) -> set[str]:
    """Every stretch of four characters of a secret: none of them may be seen."""
    core = secret.strip()
    return {core[at : at + 4] for at in range(len(core) - 3)}


def test_a_new_file_is_all_additions() -> None:
    assert told(None, "A=1\nB=2\n", diffs.dotenv) == "--- /dev/null\n+++ ~/file\n@@ -0,0 +1,2 @@\n+A=***\n+B=***"


def test_a_changed_value_is_seen_though_both_are_hidden() -> None:
    assert told("A=old\nB=2\n", "A=new\nB=2\n", diffs.dotenv).splitlines()[3:] == ["-A=***", "+A=***", " B=***"]


def test_equal_texts_have_no_difference_and_a_last_line_without_end_is_none() -> None:
    assert told("A=1", "A=1", diffs.dotenv) == ""
    assert told("A=1", "A=1\nB=2\n", diffs.dotenv).splitlines()[3:] == [" A=***", "+B=***"]


def test_lines_far_from_a_change_are_left_out() -> None:
    old = "".join(f"K{'ABCDEFGHIJ'[number]}={number}\n" for number in range(10))
    shown = told(old, old + "NEW=1\n", diffs.dotenv)
    assert shown.splitlines()[2:] == ["@@ -8,3 +8,4 @@", " KH=***", " KI=***", " KJ=***", "+NEW=***"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("export A='x y' # note\n", "export A=***\n"),
        ("# PASSWORD=hunter2\n", "#***\n"),
        ('KEY="-----BEGIN\nMIIEvQIBADAN\nAbc9==\n-----END"\nB=2\n', "KEY=***\n***\n***\n***\nB=***\n"),
        ("KEY=-----BEGIN\nMIIEvQIBADAN\nAbc9==\n", "KEY=***\n***\n***\n"),
        ("no assignment here\n\nA=\n", "***\n\nA=\n"),
        ("\ufeffA=1\r\nB=2\r\n", "A=***\nB=***\n"),
    ],
)
def test_a_dotenv_file_keeps_its_names_and_its_lines(text: str, shown: str) -> None:
    assert diffs.dotenv(text) == shown


def test_a_file_of_aws_keeps_sections_keys_and_region() -> None:
    text = (
        "# AKIAOLD\n[default] ; AKIA1\naws_access_key_id = AKIA2\naws_secret_access_key=abc/def\n"
        "region = eu-central-1\nabc/def+ghi=\n  continued = secret\n[profile x]\noutput = json # AKIA3\n"
    )
    assert diffs.ini(text) == (
        "#***\n[default]***\naws_access_key_id = ***\naws_secret_access_key=***\n"
        "region = eu-central-1\n***\n***\n[profile x]\noutput = ***\n"
    )


def test_docker_s_config_keeps_its_keys_and_our_helper() -> None:
    tree = {
        "auths": {"reg:5000": {"auth": "dXNlcjpwYXNz", "identitytoken": 'tok\\en"x'}},
        "HttpHeaders": {"X-Token": "s3cret"},
        "credHelpers": {"1.dkr.ecr.eu-central-1.amazonaws.com": "ecr-login"},
        "proxies": {"default": {"httpProxy": "http://user:pass@proxy"}},
        "list": ["a", 12345, True, None],
    }
    shown = diffs.docker_config(json.dumps(tree, indent=2))
    assert json.loads(shown) == {
        "auths": {"reg:5000": {"auth": "***", "identitytoken": "***"}},
        "HttpHeaders": {"X-Token": "***"},
        "credHelpers": {"1.dkr.ecr.eu-central-1.amazonaws.com": "ecr-login"},
        "proxies": {"default": {"httpProxy": "***"}},
        "list": ["***", "***", True, None],
    }
    assert diffs.docker_config('{"auth": "dXNl') == "***"


@given(st.dictionaries(NAMES, SECRETS, min_size=1, max_size=4), st.data())
def test_no_stretch_of_a_value_is_seen_in_any_dotenv(values: dict[str, str], data: st.DataObject) -> None:
    def written(name: str, secret: str) -> str:
        forms = [f"{name}={secret}", f"export {name}='{secret}'", f'{name}="{secret}', f"#{name}={secret}", secret]
        return data.draw(
            st.sampled_from([*forms, f"{name}='x\n{secret}\n{secret}'", f"  {name} = {secret} # {secret}"])
        )

    hidden = {name: f"/{secret}" for name, secret in values.items()}  # a line of its own is no name
    old = "\n".join(written(name, secret) for name, secret in hidden.items())
    new = "\n".join(written(name, secret) for name, secret in hidden.items())
    check(told(old, new, diffs.dotenv), hidden)
    check(told(None, new, diffs.dotenv), hidden)


@given(
    st.dictionaries(st.sampled_from(["aws_secret_access_key", "region", "output", "x"]), SECRETS, min_size=1), st.data()
)
def test_no_stretch_of_a_value_is_seen_in_any_file_of_aws(values: dict[str, str], data: st.DataObject) -> None:
    def written(name: str, secret: str) -> str:
        return data.draw(st.sampled_from([f"{name} = {secret}", f"{name}: {secret}", f"  {secret}", f"; {secret}"]))

    hidden = {name: f"{secret}Z/" for name, secret in values.items()}
    old = "[default]\n" + "\n".join(written(name, secret) for name, secret in hidden.items())
    check(told(old, "[default]\n" + old, diffs.ini), hidden)


@given(
    st.recursive(
        st.dictionaries(st.sampled_from(["auth", "auths", "credHelpers", "x y"]), SECRETS, max_size=3),
        lambda inner: st.dictionaries(st.sampled_from(["auths", "reg", "l"]), inner | st.lists(SECRETS), max_size=3),
    ),
    st.sampled_from([None, 2]),
)
def test_no_stretch_of_a_value_is_seen_in_any_config_of_docker(tree: dict[str, object], indent: int | None) -> None:
    old, new = json.dumps(tree, indent=indent, ensure_ascii=False), json.dumps({**tree, "new": 1}, indent=2)
    check(told(old, new, diffs.docker_config), dict(enumerate(leaves(tree))))


@given(st.text())
def test_a_mask_keeps_the_number_of_lines_of_any_text(text: str) -> None:
    for mask in (diffs.dotenv, diffs.ini, diffs.docker_config, diffs.plain):
        assert mask(text).count("\n") == text.count("\n")


def leaves(tree: object) -> list[str]:
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    return [str(leaf) for leaf in tree] if isinstance(tree, list) else [str(tree)]


def check(shown: str, values: dict[str, str] | dict[int, str]) -> None:
    names = "".join(str(name) for name in values) + "authscredHelpersregnew/dev/null~/file***@@ -+[default]export"
    for secret in values.values():
        assert [part for part in parts(secret) if part in shown and part not in names] == []
