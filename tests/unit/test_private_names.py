"""What this library uses of others beyond their documentation is still there; pyproject.toml bounds their versions."""

from __future__ import annotations

import inspect
from importlib import import_module

import paramiko
import pytest
from fabric import Config

from galos_ops.tasks.mistakes import KNOWN

NAMES = [
    "configupdater.parser.InconsistentStateError",
    "dotenv.parser.parse_stream",
    "dotenv.variables.Variable",
    "dotenv.variables.parse_variables",
    "paramiko.agent.SSH2_AGENT_IDENTITIES_ANSWER",
    "paramiko.agent.cSSH2_AGENTC_REQUEST_IDENTITIES",
]
MET = {
    "_load_ssh_files": ("fabric.config", "Config"),
    "_load_file": ("invoke.config", "Config"),
    "merge_dicts": ("invoke.config", ""),
    "derive_shorthand": ("fabric.connection", ""),
    "lookup": ("paramiko.config", "SSHConfig"),
    "make_context": ("invoke.tasks", "Call"),
    "connected": ("galos_ops.tasks.destinations", ""),
    "set_value": ("invoke.parser.argument", "Argument"),
    "getuser": ("getpass", ""),
    "unix_getpass": ("getpass", ""),
}
"""Where the functions are that a mistake is known by."""


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_an_undocumented_module_is_there(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_function_that_meets_a_known_mistake_is_there(name: str) -> None:
    module, owner = MET[name]
    holder = getattr(import_module(module), owner) if owner else import_module(module)
    assert callable(getattr(holder, name))


def test_what_is_read_of_invoke_s_configuration_is_there() -> None:
    config = Config()
    assert config._runtime_path is None
    assert config._runtime_found is None
    for layer in ("_collection", "_system", "_user", "_project", "_env", "_runtime"):
        assert getattr(config, layer) == {}, layer
    assert all(hasattr(config, f"_{file}_path") for file in ("system", "user", "project"))


def test_what_is_read_of_paramiko_s_channel_and_transport_is_there() -> None:
    channel = paramiko.Channel(1)
    assert not channel.eof_received
    assert channel.exit_status == -1
    assert not channel.status_event.is_set()
    assert channel.remote_chanid == 0
    assert "self.sock = sock" in inspect.getsource(paramiko.Transport.__init__)


def test_a_command_is_begun_as_paramiko_begins_one_but_for_the_wait() -> None:
    source = inspect.getsource(paramiko.Channel.exec_command)
    said = [line.strip() for line in source.splitlines() if line.strip().startswith(("m.", "self."))]
    assert said == [
        "m.add_byte(cMSG_CHANNEL_REQUEST)",
        "m.add_int(self.remote_chanid)",
        'm.add_string("exec")',
        "m.add_boolean(True)",
        "m.add_string(command)",
        "self._event_pending()",
        "self.transport._send_user_message(m)",
        "self._wait_for_event()",
    ]
