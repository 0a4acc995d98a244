"""A service that only the table of services describes works in every part of the server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from pydantic import Field

from evals_engine.app import create_app
from evals_engine.config import EngineConfig
from evals_mcp.http.safety import services_of
from evals_mcp.lifetime import open_services
from evals_mcp.local_engine.in_process import InProcessTransport
from evals_mcp.principals import Principal
from evals_mcp.providers.protocol import Member, Provider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.keyed import keyed_service, now
from evals_mcp.providers.together.provider import TogetherProvider
from evals_mcp.server import build_server
from evals_mcp.service_spec import Capabilities, ServiceSpec, advice_for_type
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.settings.schema import Settings
from evals_mcp.settings.types import AbsolutePath, TokenSource, VariableName
from tests.server.serving import Served

KEY = "toy-key-0123456789"


class ToySettings(TokenSource):
    """The section of the toy service."""

    folder: AbsolutePath = Field(default=Path("toy"), description="Folder of its data.")
    token_env: VariableName | None = Field(default="TOY_API_KEY", description="Its variable.")


TOY = ServiceSpec(
    name="toy",
    settings=ToySettings,
    description="A service that only this test knows.",
    types=frozenset({"classify", "score", "compare"}),
    open="tests.server.test_services:open_toy",
    key_variable="TOY_API_KEY",
    key_header="X-Toy-Api-Key",
    capabilities=Capabilities(runs_rules=True, can_cancel=True, reports_progress=True),
)
TABLE = (*SERVICES, TOY)


@asynccontextmanager
async def open_toy(settings: Settings) -> AsyncGenerator[Member]:
    """Open a REST service within this process, with a name and a key of its own."""
    section = settings.section(ToySettings)
    app = create_app(EngineConfig(section.folder))

    def member(principal: Principal) -> Provider | None:
        service = keyed_service(TOY, section, "http://engine/v1", principal, settings.services)
        if service is None:
            return None
        return TogetherProvider("toy", RestClient(client, service), TOY.capabilities, clock=now)

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=InProcessTransport(app)) as client,
    ):
        yield member


def configured(folder: Path, text: str = "", **environ: str) -> Settings:
    """Settings with every file of the server below one folder."""
    path = folder / "config.toml"
    path.write_text(
        f"[budget]\nkey_file = '{folder}/confirm.key'\n"
        f"[state]\nfolder = '{folder}/state'\n"
        f"[results]\ncache_dir = '{folder}/results'\n"
        f"[local]\ndata_dir = '{folder}/engine'\n{text}"
    )
    return load_settings(path, environ, folder, TABLE)


@asynccontextmanager
async def serving(settings: Settings) -> AsyncGenerator[Served]:
    with anyio.fail_after(60):
        server = build_server("0.0", partial(open_services, settings), read_only=False)
        async with Client(server) as client:
            yield Served(client)


async def evaluate(server: Served, folder: Path) -> dict[str, Any]:
    """Do the main job; return the answers by tool."""
    rows = [{"answer": "yes", "expected": "yes"}, {"answer": "no", "expected": "yes"}]
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    stored = await server.answer("upload_dataset", path=str(path))
    created = await server.answer(
        "create_evaluation",
        type="classify",
        input_data_file_path=stored["file_id"],
        judge={"model": "rule/contains", "system_template": "{{ expected }}"},
        response_column="answer",
        labels=["pass", "fail"],
        pass_labels=["pass"],
    )
    evaluation = {"evaluation_id": created["evaluation_id"]}
    return {
        "upload_dataset": stored,
        "create_evaluation": created,
        "get_status": await server.answer("get_status", **evaluation, wait_seconds=45),
        "get_evaluation": await server.answer("get_evaluation", **evaluation),
        "read_results": await server.answer("read_results", **evaluation, show="all"),
    }


async def test_the_main_job_runs_on_a_service_that_only_the_table_describes(tmp_path: Path) -> None:
    settings = configured(tmp_path, TOY_API_KEY=KEY)
    assert settings.providers == ("toy", "local")
    async with serving(settings) as server:
        answers = await evaluate(server, tmp_path)

    assert answers["create_evaluation"]["provider"] == "toy"
    assert answers["get_status"]["status"] == "completed"
    assert answers["read_results"]["total"] == 2


async def test_beside_another_service_its_ids_begin_with_its_name(tmp_path: Path) -> None:
    settings = configured(tmp_path, TOY_API_KEY=KEY, NUGEN_API_KEY="nugen-key-0123456789")
    assert settings.providers == ("nugen", "toy", "local")
    async with serving(settings) as server:
        answers = await evaluate(server, tmp_path)

    assert answers["upload_dataset"]["file_id"].startswith("toy:")
    assert answers["create_evaluation"]["evaluation_id"].startswith("toy:")


async def test_without_its_token_an_error_names_its_variable(tmp_path: Path) -> None:
    async with serving(configured(tmp_path, "[server]\nprovider = 'toy'\n")) as server:
        refusal = await server.refusal("list_models")

    assert "set TOY_API_KEY in the environment" in refusal


def test_users_bring_its_key_in_a_header_or_have_it_configured(tmp_path: Path) -> None:
    in_headers = configured(tmp_path, "[http]\nmode = 'header'\n")
    assert services_of(in_headers) == ("together", "nugen", "toy")
    subject = f"[http]\nmode = 'oauth'\n[oauth.subjects.a]\nsubject = 's'\ntoy.token = '{KEY}'\n"
    assert services_of(configured(tmp_path, subject)) == ("toy", "local")


def test_advice_on_a_type_names_it() -> None:
    assert "set TOY_API_KEY in its environment (toy.token)" in advice_for_type(TABLE, "score", None)


@pytest.mark.parametrize("spec", SERVICES, ids=[spec.name for spec in SERVICES])
def test_every_service_in_the_table_can_be_opened(spec: ServiceSpec) -> None:
    assert callable(resolve_name(spec.open))
