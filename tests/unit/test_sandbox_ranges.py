"""Address ranges for the sandbox's networks: chosen around what is there."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from galos_ops.errors import NotReadyError, UsageError
from sandbox import ranges
from sandbox.own_engine import VARIABLE, OwnEngine


@pytest.mark.parametrize(
    ("taken", "chosen"),
    [
        ([], "10.213.0.0/16"),
        (["192.0.2.0/24", "127.0.0.1/32"], "10.213.0.0/16"),
        (["10.213.7.0/24"], "10.214.0.0/16"),
        (["10.213.0.53/32", "10.214.0.0/15", "10.216.0.0/24"], "10.217.0.0/16"),
        (["10.192.0.0/11"], "10.224.0.0/16"),
    ],
)
def test_the_first_range_that_overlaps_nothing(taken: list[str], chosen: str) -> None:
    assert ranges.free(map(IPv4Network, taken)) == IPv4Network(chosen)


def test_no_free_range_is_a_sentence() -> None:
    with pytest.raises(NotReadyError, match=r"no address range from 10\.213\.0\.0/16 to 10\.254\.0\.0/16 is free"):
        ranges.free([IPv4Network("10.0.0.0/8")])


def test_name_servers_and_proxies_are_kept_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://10.213.5.5:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "999.1.1.1")
    assert IPv4Network("10.213.5.5/32") in ranges.taken()
    assert ranges.free(ranges.servers()) != IPv4Network("10.213.0.0/16")


@pytest.mark.parametrize("name", ["galos/../x", "Galos", "-galos", "galos-sandbox-2-too-long"])
def test_an_engine_of_a_bad_name_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(UsageError, match="is no name"):
        OwnEngine.chosen()
