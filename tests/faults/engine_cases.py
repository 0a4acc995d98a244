"""Runs every fault at every stage of a row: a real engine and a scripted model behind a proxy."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Hashable, Iterator, Sequence
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
from tests.volume import amount, one_of_each

Stage = Literal["generation", "judging", "judging both orders"]
STAGES: tuple[Stage, ...] = ("generation", "judging", "judging both orders")

RETRIES = 1
ENGINES = 6
"""Number of engines; the cases are divided among them."""
RUNS = 4
"""Number of evaluations that each engine runs at a time."""
CANDIDATE_PROMPT = "Answer."
ROWS = [{"question": f"question {n}", "one": f"a{n}", "two": f"b{n}"} for n in range(4)]
"""Four rows: one failed row leaves a result, and four end the evaluation."""


@dataclass(frozen=True)
class EngineCase:
    """A fault of the model endpoint at one stage of a row."""

    fault: Fault
    stage: Stage
    mode: Mode

    @property
    def title(self) -> str:
        """Return the unique title, which is also the endpoint's name."""
        return f"{self.stage}: {self.fault.name}, {self.mode}"


STRIKING = tuple(
    fault
    for fault in FAULTS
    if fault.stage != CLOCK
    and fault.then is None
    # Waits of a minute and bodies of 16 MiB are tested in tests/engine/models/test_client.py.
    and fault.effect not in {Effect.BUSY_FOR_LONG, Effect.TOO_LONG}
)
CASES = tuple(
    EngineCase(fault, stage, mode) for fault in STRIKING for stage in STAGES for mode in MODES
)


@dataclass(frozen=True)
class RowsSeen:
    """The end of an evaluation of four rows."""

    status: str
    failed: int | None
    """Number of rows without a verdict; None if all rows failed and the evaluation stopped."""
    failed_at: str | None = None
    by_one_order: int = 0
    """Number of rows of a comparison with a verdict in one order only."""
    reason: str = ""
    """The reason of the first row that failed or has a verdict in one order only."""


def promised_rows(case: EngineCase) -> RowsSeen:
    """Return how the evaluation must end, without the reason's text."""
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


def _gate_cases() -> Iterator[EngineCase]:
    """Yield every fault at one stage, and at each stage at least one fault for each promise."""
    for turn, stage in enumerate(STAGES):

        def promise(fault: Fault, stage: Stage = stage) -> Hashable:
            return fault.effect, *(promised_rows(EngineCase(fault, stage, mode)) for mode in MODES)

        chosen = {*STRIKING[turn :: len(STAGES)], *one_of_each(STRIKING, promise, turn)}
        for fault in (fault for fault in STRIKING if fault in chosen):
            yield from (EngineCase(fault, stage, mode) for mode in MODES)


TESTED_CASES = amount(gate=tuple(_gate_cases()), proofs=CASES)
"""The cases that the tests run; `python -m tests.faults` runs all of them."""


async def observe(folder: Path, cases: Sequence[EngineCase] = CASES) -> dict[str, RowsSeen]:
    """Run the cases; return how each ended, by title."""
    seen: dict[str, RowsSeen] = {}

    async def run(engine: EngineClient, case: EngineCase, room: anyio.CapacityLimiter) -> None:
        async with room:
            seen[case.title] = await _ended(engine, case)

    async def share(place: int) -> None:
        own, room = cases[place::ENGINES], anyio.CapacityLimiter(RUNS)
        async with _engine(folder / str(place), own) as engine, anyio.create_task_group() as tasks:
            for case in own:
                tasks.start_soon(run, engine, case, room)

    async with skipping(), anyio.create_task_group() as tasks:
        for place in range(ENGINES):
            tasks.start_soon(share, place)
    return seen


@asynccontextmanager
async def _engine(folder: Path, cases: Sequence[EngineCase]) -> AsyncGenerator[EngineClient]:
    """Yield an engine with an endpoint for each case, and one without faults."""
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


def _reply(request: ChatRequest) -> Reply:
    """Answer as the candidate with a text, and as the judge with a verdict for every type."""
    if request.system == CANDIDATE_PROMPT:
        return completion("Four.")
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
    order, sent = [row["question"] for row in rows], [row["question"] for row in ROWS]
    failed = [row for row in rows if not row["evaluation_successful"]]
    halves = [row for row in rows if row.get("is_invalid_judge_output")]
    gave_up = job["status"] == "error" and len(failed) == len(rows)
    in_order = order == [name for name in sent if name in order] if gave_up else order == sent
    assert in_order, f"{case.title}: a row is lost, doubled or out of order"
    explained = [*failed, *halves]
    return RowsSeen(
        job["status"],
        None if gave_up else len(failed),
        failed[0]["failed_at"] if failed else None,
        0 if failed else len(halves),
        explained[0].get("evaluation_error", "") if explained else "",
    )


async def _end_of(engine: EngineClient, created: str) -> None:
    """Wait for the end; ask rarely, since dozens of evaluations run at once."""
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
                "system_template": CANDIDATE_PROMPT,
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
