"""Runs every fault at every stage of a row: a real engine, a scripted model, a proxy between."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio
from pydantic import SecretStr

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_schemas.evaluation_api.evaluations import ENDED
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.engine.running import MODEL_JUDGE, EngineClient, running_engine
from tests.faults.catalog import CLOCK, FAULTS, Effect, Fault
from tests.faults.injections import SECRET
from tests.faults.promises import MODES, Mode
from tests.faults.proxy import fault_proxy
from tests.faults.skipping_loop import HANG_GUARD, LONGEST_SILENCE, skipping

Stage = Literal["generation", "judging", "judging both orders"]
STAGES: tuple[Stage, ...] = ("generation", "judging", "judging both orders")

RETRIES = 1
ENGINES = 6
"""Each has its share of the cases."""
RUNS = 4
"""How many of them at a time, as an engine runs them."""
ROWS = [{"question": f"question {n}", "one": f"a{n}", "two": f"b{n}"} for n in range(4)]
"""One failed row in four leaves a result; four end the evaluation."""


@dataclass(frozen=True)
class EngineCase:
    """A fault of the model endpoint at one stage of a row."""

    fault: Fault
    stage: Stage
    mode: Mode

    @property
    def title(self) -> str:
        """Unique, and the name of the endpoint."""
        return f"{self.stage}: {self.fault.name}, {self.mode}"


STRIKING = tuple(
    fault
    for fault in FAULTS
    if fault.stage != CLOCK
    and fault.then is None
    # Waits of a minute and bodies of 16 MiB are tested in tests/engine/models/test_models.py.
    and fault.effect not in {Effect.BUSY_FOR_LONG, Effect.TOO_LONG}
)
CASES = tuple(
    EngineCase(fault, stage, mode) for fault in STRIKING for stage in STAGES for mode in MODES
)


@dataclass(frozen=True)
class RowsSeen:
    """How an evaluation of four rows ended."""

    status: str
    failed: int | None
    """Rows without a verdict; None where all that were tried have none, and it gave up."""
    failed_at: str | None = None
    by_one_order: int = 0
    """Rows of a comparison that one order alone has decided."""
    reason: str = ""
    """Of the first row that failed or was decided by one order."""


def promised_rows(case: EngineCase) -> RowsSeen:
    """How it must end, but for the words of the reason."""
    at = "generation" if case.stage == "generation" else "judge"
    if case.fault.effect is Effect.HARMLESS:
        return RowsSeen("completed", 0)
    if case.mode == "always" or case.fault.address:
        return RowsSeen("error", None, at)
    if case.fault.effect not in {Effect.GARBLED, Effect.REFUSED, Effect.REDIRECTED}:
        return RowsSeen("completed", 0)
    if case.stage == "judging both orders":
        return RowsSeen("completed", 0, by_one_order=1)
    return RowsSeen("completed", 1, at)


async def observe(folder: Path) -> dict[str, RowsSeen]:
    """Run all cases, by their titles."""
    seen: dict[str, RowsSeen] = {}

    async def run(engine: EngineClient, case: EngineCase, room: anyio.CapacityLimiter) -> None:
        async with room:
            seen[case.title] = await _ended(engine, case)

    async def share(place: int) -> None:
        own, room = CASES[place::ENGINES], anyio.CapacityLimiter(RUNS)
        async with _engine(folder / str(place), own) as engine, anyio.create_task_group() as tasks:
            for case in own:
                tasks.start_soon(run, engine, case, room)

    async with skipping(), anyio.create_task_group() as tasks:
        for place in range(ENGINES):
            tasks.start_soon(share, place)
    return seen


@asynccontextmanager
async def _engine(folder: Path, cases: Sequence[EngineCase]) -> AsyncGenerator[EngineClient]:
    """An engine that knows an endpoint for each case, and one without faults."""
    async with AsyncExitStack() as stack:
        models = await stack.enter_async_context(ModelServer(_reply))
        endpoints: dict[str, ModelEndpoint] = {}
        for case in cases:
            address = await stack.enter_async_context(_struck(case, models))
            endpoints[case.title] = ModelEndpoint(f"{address}/v1", SecretStr(SECRET))
        config = EngineConfig(
            folder,
            serverless=ModelEndpoint(models.base_url),
            dedicated=endpoints,
            max_retries=RETRIES,
            call_timeout=LONGEST_SILENCE,
        )
        yield await stack.enter_async_context(running_engine(config))


@asynccontextmanager
async def _struck(case: EngineCase, models: ModelServer) -> AsyncGenerator[str]:
    times, fault = (1 if case.mode == "once" else None), case.fault
    async with fault_proxy(
        models.base_url, fault.inject, times=times, elsewhere="http://127.0.0.1:1"
    ) as proxy:
        yield fault.address(proxy.url) if fault.address else proxy.url


def _reply(_: ChatRequest) -> Reply:
    return completion(json.dumps({"feedback": "", "label": "good", "choice": "A"}))


async def _ended(engine: EngineClient, case: EngineCase) -> RowsSeen:
    with anyio.fail_after(HANG_GUARD):
        return await _evaluated(engine, case)


async def _evaluated(engine: EngineClient, case: EngineCase) -> RowsSeen:
    file_id = await engine.upload(ROWS)
    created = await engine.create(
        "compare" if case.stage == "judging both orders" else "classify",
        input_data_file_path=file_id,
        **_parameters(case),
    )
    await _end_of(engine, created)
    job = await engine.finished(created, HANG_GUARD)
    rows = await engine.result_rows(job)
    order, wanted = [row["question"] for row in rows], [row["question"] for row in ROWS]
    failed = [row for row in rows if not row["evaluation_successful"]]
    halves = [row for row in rows if row.get("is_invalid_judge_output")]
    gave_up = job["status"] == "error" and len(failed) == len(rows)
    kept = order == [name for name in wanted if name in order] if gave_up else order == wanted
    assert kept, f"{case.title}: a row is lost, doubled or out of order"
    told = [*failed, *halves]
    return RowsSeen(
        job["status"],
        None if gave_up else len(failed),
        failed[0]["failed_at"] if failed else None,
        0 if failed else len(halves),
        told[0].get("evaluation_error", "") if told else "",
    )


async def _end_of(engine: EngineClient, created: str) -> None:
    """Wait, asking seldom: dozens run at once, and questions would keep them waiting."""
    path = f"/evaluation/{created}/status"
    while (await engine.http.get(path)).json()["status"] not in ENDED:  # noqa: ASYNC110
        await anyio.sleep(0.1)


def _parameters(case: EngineCase) -> dict[str, Any]:
    struck = {"model": case.title, "model_source": "dedicated"}
    judge = {"system_template": "Is {{ question }} answered?", "num_workers": 4}
    labels = {"labels": ["good", "bad"], "pass_labels": ["good"]}
    match case.stage:
        case "generation":
            candidate = {
                **struck,
                "system_template": "Answer.",
                "input_template": "{{ question }} {{ one }} {{ two }}",
                "max_tokens": 16,
                "temperature": 0.0,
            }
            return {"judge": MODEL_JUDGE | judge, "model_to_evaluate": candidate} | labels
        case "judging":
            template = "Is {{ question }} answered better than by {{ two }}?"
            return {
                "judge": struck | judge | {"system_template": template},
                "model_to_evaluate": "one",
            } | labels
        case "judging both orders":
            return {"judge": struck | judge, "model_a": "one", "model_b": "two"}
