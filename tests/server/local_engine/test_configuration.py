"""The engine's configuration: how long a stop may take, by how the engine is used."""

from __future__ import annotations

from evals_mcp.local_engine.configuration import engine_config, with_stop_seconds
from tests.server.serving import settings


def test_a_stop_takes_as_long_as_the_transport_allows() -> None:
    plain = settings()
    assert engine_config(plain).stop_seconds == 2
    assert engine_config(with_stop_seconds(plain, 20)).stop_seconds == 20
    assert engine_config(plain, as_service=True).stop_seconds == 30


def test_a_setting_for_stops_holds_for_every_transport() -> None:
    chosen = settings(local={"stop_seconds": 7})
    assert engine_config(chosen).stop_seconds == 7
    assert engine_config(with_stop_seconds(chosen, 20)).stop_seconds == 7
    assert engine_config(chosen, as_service=True).stop_seconds == 7
