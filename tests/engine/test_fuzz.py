"""Every operation under generated requests: no server error, no answer that is not described."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
import requests
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from evals_engine.config import EngineConfig
from evals_schemas.contract import Operation
from evals_schemas.evaluation_api.operations import OPERATIONS
from tests.engine.openapi import Description
from tests.engine.running import RULE_JUDGE, EngineClient, running_engine
from tests.volume import examples

pytestmark = pytest.mark.usefixtures("lines_not_counted")

CHECKS: list[Any] = [
    cast("Any", checks).not_a_server_error,
    *(
        getattr(openapi_checks, f"{name}_conformance")
        for name in ("status_code", "content_type", "response_schema")
    ),
]
VALUES: dict[str, list[Any]] = {
    "model": ["rule/exact-match", "rule/contains", "rule/regex", "rule/numeric"],
    "system_template": ["{{ expected }}", "{{ expected", "{{ nothing }}", "(", "1", ""],
    "model_source": ["serverless"],
    "labels": [["right", "wrong"], ["a", "right"]],
    "pass_labels": [["right"], ["right", "right"]],
    "model_to_evaluate": ["answer", "nothing", None],
    "model_a": ["answer", "nothing"],
    "model_b": ["expected"],
    "min_score": [0, -1e300],
    "max_score": [1, 1e300],
    "pass_threshold": [0.5, 1],
}
"""What creates are made of: such that about every second one runs."""

ROWS = [{"expected": "a", "answer": "a"}, {"expected": "b", "answer": "\U0001f600"}]
LABELS = {"labels": ["right", "wrong"], "pass_labels": ["right"], "model_to_evaluate": "answer"}


@dataclass(frozen=True)
class Service:
    """A running engine, reached from a thread without an event loop, and what it has."""

    portal: BlockingPortal
    http: httpx2.AsyncClient
    files: list[str]
    evaluations: list[str]

    def answer(self, prepared: requests.PreparedRequest) -> httpx2.Response:
        """What the engine answers to a request as it would go over the wire."""
        return self.portal.call(self._send, prepared)

    async def _send(self, prepared: requests.PreparedRequest) -> httpx2.Response:
        headers = {**prepared.headers, "Authorization": "Bearer fuzz"}
        sent = [(_wire(name), _wire(value)) for name, value in headers.items()]
        body: Any = prepared.body
        url = prepared.url or ""
        method = prepared.method or ""
        return await self.http.request(method, url, headers=sent, content=body)


def _wire(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1", "replace")


@asynccontextmanager
async def prepared_engine(
    folder: Path,
) -> AsyncGenerator[tuple[EngineClient, list[str], list[str]]]:
    config = EngineConfig(folder, token=SecretStr("fuzz"))
    async with running_engine(config) as engine:
        engine.http.headers["Authorization"] = "Bearer fuzz"
        files = [await engine.upload(ROWS), await engine.upload(ROWS)]
        evaluations = [
            await engine.create("classify", judge=RULE_JUDGE, input_data_file_path=one, **LABELS)
            for one in files
        ]
        job = await engine.finished(evaluations[0])
        yield engine, [*files, job["results"]["result_file_id"]], evaluations


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    folder = tmp_path_factory.mktemp("fuzz")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(prepared_engine(folder)) as (engine, files, evaluations),
    ):
        yield Service(portal, engine.http, files, evaluations)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_answer_is_a_described_one(
    operation: Operation,
    mode: GenerationMode,
    service: Service,
    caplog: pytest.LogCaptureFixture,
) -> None:
    document = Description(VALUES | {"input_data_file_path": service.files}).document()
    described: Any = schemathesis.openapi.from_dict(document)
    found = described.find_operation_by_id(operation.name)
    ids = service.files if operation.path.startswith("/files") else service.evaluations

    @settings(
        max_examples=examples(40),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=found.as_strategy(generation_mode=mode), known=st.none() | st.sampled_from(ids))
    def holds(case: Any, known: str | None) -> None:
        if known and "{id}" in operation.path:
            case.path_parameters["id"] = known
        arguments = case.as_transport_kwargs(base_url="http://engine/v1")
        answer = service.answer(requests.Request(**arguments).prepare())
        case.validate_response(answer, checks=CHECKS)

    with caplog.at_level(logging.ERROR, logger="evals_engine"):
        holds()
    assert caplog.text == ""
