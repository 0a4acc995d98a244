"""The settings of an engine that several people share, from the file to the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals_mcp.errors import SettingsError
from evals_mcp.local_engine.configuration import engine_config
from evals_mcp.local_engine.standalone import EngineService
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings

OWNERS = """
[local]
data_dir = "data"
[engine.owners.alice]
token_env = "ALICE_TOKEN"
[engine.owners.bob]
token_file = "bob.token"
"""


def write(folder: Path, text: str = OWNERS) -> Path:
    config = folder / "config.toml"
    config.write_text(text)
    token = folder / "bob.token"
    token.write_text("bobs-own-token\n")
    token.chmod(0o600)
    return config


def test_owners_find_their_tokens_and_only_a_service_asks_for_them(tmp_path: Path) -> None:
    settings = load_settings(
        write(tmp_path), {"ALICE_TOKEN": "alices-own-token"}, tmp_path, SERVICES
    )
    config = engine_config(settings, as_service=True)
    found = {name: token.get_secret_value() for name, token in config.tokens.items()}
    assert found == {"alice": "alices-own-token", "bob": "bobs-own-token"}
    assert engine_config(settings).tokens == {}
    assert engine_config(settings).token is None
    assert "own-token" not in repr(settings)
    assert "own-token" not in repr(config)


def test_an_owner_without_a_token_does_not_open_the_engine_to_everyone(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path), {}, tmp_path, SERVICES)
    with pytest.raises(SettingsError, match=r"engine\.owners\.alice has no token: set .*ALICE_T"):
        EngineService(settings, "127.0.0.1", 0)


def test_owners_with_the_same_token_are_refused_without_repeating_it(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path), {"ALICE_TOKEN": "bobs-own-token"}, tmp_path, SERVICES)
    with pytest.raises(SettingsError, match=r"engine\.owners: .* same token") as refused:
        EngineService(settings, "127.0.0.1", 0)
    assert "bobs-own" not in str(refused.value)


def test_the_token_of_servers_is_asked_for_by_a_service_only(tmp_path: Path) -> None:
    text = "[engine.server]\ntoken_env = 'SERVER'"
    named = load_settings(write(tmp_path, text), {"SERVER": "of-the-server"}, tmp_path, SERVICES)
    token = engine_config(named, as_service=True).server_token
    assert token is not None
    assert token.get_secret_value() == "of-the-server"
    assert engine_config(named).server_token is None
    unset = load_settings(write(tmp_path, text), {}, tmp_path, SERVICES)
    with pytest.raises(SettingsError, match=r"engine\.server has no token: set .*SERVER"):
        EngineService(unset, "127.0.0.1", 0)


def test_a_server_with_the_token_of_an_owner_is_refused_without_repeating_it(
    tmp_path: Path,
) -> None:
    environ = {"ALICE_TOKEN": "alices-own", "EVALS_MCP_ENGINE__SERVER__TOKEN": "alices-own"}
    settings = load_settings(write(tmp_path), environ, tmp_path, SERVICES)
    with pytest.raises(SettingsError, match="MCP server has the token of an owner") as refused:
        EngineService(settings, "127.0.0.1", 0)
    assert "alices-own" not in str(refused.value)


@pytest.mark.parametrize("allowed", [True, False])
def test_private_networks_are_allowed_for_the_operators_own_endpoints_only(
    tmp_path: Path, allowed: bool
) -> None:
    text = f"""
    [local]
    allow_private = {str(allowed).lower()}
    [local.models]
    base_url = "https://llm.example/v1"
    [local.dedicated.mine]
    base_url = "https://llm.example/v1"
    [credentials.openai]
    base_url = "https://api.example/v1"
    """
    config = engine_config(load_settings(write(tmp_path, text), {}, tmp_path, SERVICES))
    assert config.serverless is not None
    assert config.serverless.allow_private is allowed
    assert config.dedicated["mine"].allow_private is allowed
    assert [endpoint.allow_private for endpoint in config.external] == [False]
