import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path

import anyio
import pytest

from evals_mcp import lifetime as services_module
from evals_mcp.errors import NoTokenError, SettingsError
from evals_mcp.lifetime import open_services
from evals_mcp.local_engine.configuration import engine_config
from evals_mcp.principals import Principal
from evals_mcp.providers.protocol import Provider
from evals_mcp.settings.schema import Settings
from tests.server.fake_provider import FakeProvider
from tests.server.serving import own_provider, settings


class Opening:
    """Opens fakes and remembers when each was opened and closed."""

    def __init__(self) -> None:
        self.opened = anyio.Event()
        self.events: list[str] = []

    @asynccontextmanager
    async def __call__(self, _: Settings) -> AsyncGenerator[Callable[[Principal], Provider]]:
        self.events.append("opened")
        self.opened.set()
        await anyio.lowlevel.checkpoint()
        try:
            yield lambda _: FakeProvider()
        finally:
            self.events.append("closed")


async def test_the_provider_is_opened_once_and_closed_with_the_server() -> None:
    opening = Opening()
    with anyio.fail_after(60):
        async with open_services(settings(), opening) as services:
            assert not opening.events
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(services.open)
            assert opening.events == ["opened"]

    assert opening.events == ["opened", "closed"]


async def test_a_call_that_is_cancelled_while_opening_leaves_the_next_one_able_to() -> None:
    opening = Opening()
    with anyio.fail_after(60):
        async with open_services(settings(), opening) as services:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(services.open)
                await opening.opened.wait()
                tasks.cancel_scope.cancel()
            assert await services.open()


async def test_a_provider_that_breaks_is_opened_anew_and_the_server_goes_on() -> None:
    broken, opened = anyio.Event(), 0

    @asynccontextmanager
    async def opening(_: Settings) -> AsyncGenerator[Callable[[Principal], Provider]]:
        nonlocal opened
        opened += 1
        async with anyio.create_task_group() as tasks:

            async def crash() -> None:
                await broken.wait()
                raise RuntimeError("bug")

            if opened == 1:
                tasks.start_soon(crash)
            yield lambda _: FakeProvider()

    with anyio.fail_after(60):
        async with open_services(settings(), opening) as services:
            first = await services.open()
            broken.set()
            while await services.open() is first:
                await anyio.lowlevel.checkpoint()

    assert opened == 2


@pytest.mark.parametrize(("earlier_runs", "expected"), [(True, ["opened"]), (False, [])])
async def test_an_engine_that_has_worked_before_starts_after_the_first_message(
    tmp_path: Path, earlier_runs: bool, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services_module, "RESUME_AFTER", 0.0)
    folder = tmp_path / "engine"
    if earlier_runs:
        folder.mkdir()
    opening = Opening()
    with anyio.fail_after(60):
        async with open_services(settings(local={"data_dir": folder}), opening) as services:
            await anyio.wait_all_tasks_blocked()
            assert opening.events == []
            services.message_came()
            if earlier_runs:
                await opening.opened.wait()
            await anyio.wait_all_tasks_blocked()
            assert opening.events == expected


async def test_an_engine_that_cannot_start_in_the_background_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services_module, "RESUME_AFTER", 0.0)
    errors = [SettingsError("no folder"), RuntimeError("bug")]

    def failing(_: Settings) -> AbstractAsyncContextManager[Callable[[Principal], Provider]]:
        raise errors.pop()

    for _ in range(2):
        with anyio.fail_after(60):
            configured = settings(local={"data_dir": tmp_path})
            async with open_services(configured, failing) as services:
                services.message_came()
                await anyio.wait_all_tasks_blocked()
    assert not errors


async def test_a_data_folder_that_cannot_be_used_is_an_error_of_the_settings(
    tmp_path: Path,
) -> None:
    with closing(sqlite3.connect(tmp_path / "evals.sqlite3")) as newer:
        newer.execute("PRAGMA user_version = 999")
    configured = settings(local={"data_dir": tmp_path})

    with pytest.raises(SettingsError, match="newer version"):
        async with own_provider(configured):
            raise AssertionError("opened")


ALONE = {"beside_vendors": False}
VENDOR = {"provider": "together"}


async def test_the_local_engine_is_offered_beside_a_vendor(tmp_path: Path) -> None:
    local = {"data_dir": tmp_path / "engine"}
    configured = settings(server=VENDOR, together={"token": "tgp-1"}, local=local)

    async with own_provider(configured) as provider:
        assert provider.name == "together and local"
        assert provider.service_of("eval-1").name == "together"
        assert provider.service_of("local:eval-1").name == "local"


async def test_a_local_engine_that_cannot_start_leaves_the_vendor_usable(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(tmp_path / "evals.sqlite3")) as newer:
        newer.execute("PRAGMA user_version = 9999")
    configured = settings(server=VENDOR, together={"token": "tgp-1"}, local={"data_dir": tmp_path})

    async with own_provider(configured) as provider:
        assert provider.name == "together"
    assert "local is not offered" in caplog.text


async def test_a_missing_token_names_its_variable() -> None:
    configured = settings(
        server={"provider": "together"}, together={"token_env": "MY_KEY"}, local=ALONE
    )

    with pytest.raises(NoTokenError, match=r"MY_KEY.*\[together\].*local"):
        async with own_provider(configured):
            raise AssertionError("opened")


async def test_a_token_opens_the_network_provider_without_a_connection() -> None:
    configured = settings(server={"provider": "together"}, together={"token": "tgp-1"}, local=ALONE)

    async with own_provider(configured) as provider:
        assert (provider.name, provider.capabilities.reports_progress) == ("together", False)


async def test_nugen_without_a_token_names_its_own_variable() -> None:
    configured = settings(server={"provider": "nugen"}, nugen={"token_env": "MY_KEY"}, local=ALONE)

    with pytest.raises(NoTokenError, match=r"MY_KEY.*\[nugen\].*local"):
        async with own_provider(configured):
            raise AssertionError("opened")


async def test_one_provider_stands_for_all_that_are_configured(tmp_path: Path) -> None:
    configured = settings(nugen={"token": "n-1"}, local={"data_dir": tmp_path / "engine"})

    async with own_provider(configured) as provider:
        assert provider.name == "local and nugen"
        assert provider.types == {"classify", "score", "compare", "benchmark"}
        assert provider.service_of("local:eval-1").name == "local"
        assert provider.service_of("nugen:eval-1").name == "nugen"


async def test_the_local_provider_runs_every_type_and_adds_nothing_to_ids(tmp_path: Path) -> None:
    async with own_provider(settings(local={"data_dir": tmp_path / "engine"})) as provider:
        assert (provider.name, provider.capabilities.reports_progress) == ("local", True)
        assert provider.types == {"classify", "score", "compare", "benchmark"}
        assert await provider.list_evaluations() == []
        assert await provider.list_datasets() == []
        assert "rule/contains" in [model.id for model in await provider.list_models()]


def test_the_engine_is_told_every_endpoint_and_asks_for_a_token_only_as_a_service() -> None:
    configured = settings(
        local={
            "models": {"base_url": "http://127.0.0.1:11434/v1"},
            "dedicated": {"big": {"base_url": "https://big.example/v1", "token": "t1"}},
        },
        credentials={"vendor": {"base_url": "https://models.example/v1", "token": "t2"}},
        engine={"token": "t3"},
    )

    config = engine_config(configured)

    assert config.serverless is not None
    assert config.serverless.base_url == "http://127.0.0.1:11434/v1"
    assert config.dedicated["big"].base_url == "https://big.example/v1"
    assert [endpoint.base_url for endpoint in config.external] == ["https://models.example/v1"]
    assert config.token is None
    assert engine_config(configured, as_service=True).token is not None
