"""Settings of a server that uses an engine elsewhere: what is refused, and who has to act."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals_mcp.compose import open_providers
from evals_mcp.errors import SettingsError, TokenRefusedError, UnavailableError
from evals_mcp.local_engine.configuration import engine_config
from evals_mcp.local_engine.service import LocalSettings
from evals_mcp.principals import LOCAL
from evals_mcp.services import SERVICES
from evals_mcp.settings.folders import written_folders
from evals_mcp.settings.loading import load_settings
from evals_mcp.settings.schema import Settings
from tests.journeys.served import served_engine
from tests.server.serving import NOWHERE

TOKEN = "of-the-mcp-server-0123456789"


def loaded(folder: Path, **settings: str) -> Settings:
    empty = folder / "empty.toml"
    empty.touch()
    environ = {f"EVALS_MCP_LOCAL__{name}": value for name, value in settings.items()}
    return load_settings(empty, environ, folder, SERVICES)


@pytest.mark.parametrize(
    ("other", "value"),
    [
        ("DATABASE_URL", "postgresql://evals@db.example/evals"),
        ("DATA_DIR", "engine"),
        ("MODELS__BASE_URL", "http://127.0.0.1:1/v1"),
        ("BENCHMARK_JUDGE", "rule/contains"),
    ],
)
def test_what_belongs_to_the_engine_is_refused_beside_its_url(
    tmp_path: Path, other: str, value: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, URL="http://127.0.0.1:1", TOKEN=TOKEN, **{other: value})
    assert f"has url and {other.partition('__')[0].lower()}: " in str(refused.value)
    assert "is configured where `evals-mcp engine` runs" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("engine.example", "local.url must be an http:// or https:// URL"),
        ("postgresql://engine.example/evals", "local.url must be an http:// or https:// URL"),
        ("https://user:pass@engine.example", "local.url must not contain user:password@"),
        ("http://engine.example", "local.url must begin with https://, since a token is sent"),
    ],
)
def test_a_wrong_url_is_refused_by_the_name_of_its_setting(
    tmp_path: Path, url: str, problem: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, URL=url, TOKEN=TOKEN)
    assert problem in str(refused.value)
    assert "pass@" not in str(refused.value).replace("user:password@", "")


async def test_a_url_without_a_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"local\.url needs local\.token .*set the variable EV"):
        async with open_providers(loaded(tmp_path, URL="http://127.0.0.1:1")):
            pass


def test_an_engine_does_not_use_another_engine(tmp_path: Path) -> None:
    settings = loaded(tmp_path, URL="http://127.0.0.1:1", TOKEN=TOKEN)
    with pytest.raises(SettingsError, match=r"remove local\.url here"):
        engine_config(settings, as_service=True)


def test_a_server_of_another_engine_needs_no_folder_and_has_no_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def data_path(name: str, *, appauthor: bool) -> Path:
        return tmp_path / name

    monkeypatch.setattr("platformdirs.user_data_path", data_path)
    settings = loaded(tmp_path, URL="http://127.0.0.1:1", TOKEN=TOKEN)
    settings.section(LocalSettings).data_dir.mkdir(parents=True)
    assert "local.data_dir" not in written_folders(settings, ["local"])
    assert not settings.has_earlier_work()


async def test_an_engine_that_is_away_is_named_by_its_setting(tmp_path: Path) -> None:
    settings = loaded(tmp_path, URL=NOWHERE, TOKEN=TOKEN)
    async with open_providers(settings) as provider_of:
        with pytest.raises(UnavailableError, match=r"check the setting local\.url"):
            await provider_of(LOCAL).delete_dataset("file-1")


async def test_a_refused_token_is_named_by_its_setting(tmp_path: Path) -> None:
    async with served_engine(
        tmp_path / "served", ENGINE__SERVER__TOKEN=TOKEN, ENGINE__OWNERS__ALICE__TOKEN="of-alice"
    ) as engine:
        for token, status in (("wrong-one", 401), ("of-alice", 403)):
            settings = loaded(tmp_path, URL=engine.url, TOKEN=token)
            async with open_providers(settings) as provider_of:
                with pytest.raises(TokenRefusedError) as refused:
                    await provider_of(LOCAL).list_datasets()
            assert f"({status}): put a valid one into local.token" in str(refused.value)
            assert token not in str(refused.value)
