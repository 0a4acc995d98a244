"""Runs every fault at every operation: real providers and a real engine over real sockets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Hashable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import httpx2
from pydantic import SecretStr

from evals_mcp.errors import CallerError, EvalsMCPError, OperatorError, ServiceError
from evals_mcp.local_engine.service import LOCAL
from evals_mcp.providers.nugen.provider import NugenProvider
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.retrying import Patience, Timing
from evals_mcp.providers.rest.service import Service
from evals_mcp.providers.together.provider import TogetherProvider
from evals_mcp.providers.together.service import TOGETHER
from evals_mcp.tools.calls.session import Clock
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, verdict
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, EngineClient
from tests.faults.catalog import FAULTS, Fault
from tests.faults.injections import LONGEST_BODY, ROW, SECRET, SIGNATURE
from tests.faults.operations import MODEL, OPERATIONS, Contract, Material, Operation
from tests.faults.promises import MODES, Mode, Outcome, promised
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.skipping_loop import CALL_SECONDS, HANG_GUARD, LONGEST_SILENCE, skipping
from tests.journeys.served import served_engine
from tests.server.serving import served
from tests.volume import amount, one_of_each

PATIENCE = Patience(
    budget=CALL_SECONDS,
    upload=CALL_SECONDS,
    connect=LONGEST_SILENCE,
    read=LONGEST_SILENCE,
    send=LONGEST_SILENCE,
    file=LONGEST_SILENCE,
    body_bytes=LONGEST_BODY,
)
_NO_LIMITS = httpx2.Limits(max_connections=None)
BUSY_AT_ONCE, WAITING_AT_ONCE = 6, 12
"""Cases that run at the same time: those that work, and after them those that mostly wait."""

ROWS = [{"expected": f"answer {n}", "answer": f"answer {n}"} for n in range(3)]
QUESTIONS = [{"question": f"Which number follows {n}?", "answer": str(n + 1)} for n in range(3)]

_WHO_ACTS = {
    OperatorError: r"setting|environment variable|[Oo]perator|[Aa]dministrator|owner|[Ww]hoever",
    CallerError: r"list_\w+|get_\w+|`\w+`|setting|too large",
    ServiceError: (
        r"[Tt]ry again|again in a minute|Read it again|Call \w+|If this persists"
        r"|before list_evaluations shows"
    ),
}
"""A regular expression that a message of each kind must match."""


@dataclass(frozen=True)
class Seen:
    """The observed end of a call."""

    outcome: Outcome
    text: str = ""
    """The error's message."""


@dataclass(frozen=True)
class Case:
    """A fault at an operation."""

    fault: Fault
    operation: Operation

    @property
    def title(self) -> str:
        """Return the unique title."""
        return f"{self.operation.title}: {self.fault.name}"


CASES = tuple(Case(fault, operation) for operation in OPERATIONS for fault in FAULTS)


def _gate_cases() -> Iterator[Case]:
    """Yield every fault at one read, and at each other operation one fault for each promise."""
    for turn, operation in enumerate(OPERATIONS):

        def promise(fault: Fault, operation: Operation = operation) -> Hashable:
            promises = tuple(promised(fault, operation, mode) for mode in MODES)
            # Creates are looked for in the list by their times.
            clock = (fault.clock_off, fault.jump) if operation.kind == "create" else None
            return fault.effect, fault.carried_out, promises, clock

        every = operation.title == "local.get_status"
        faults = FAULTS if every else one_of_each(FAULTS, promise, turn)
        yield from (Case(fault, operation) for fault in faults)


TESTED_CASES = amount(gate=tuple(_gate_cases()), proofs=CASES)
"""The cases that the tests run; `python -m tests.faults` runs all of them."""


@dataclass
class Observed:
    """The observations of a run of the suite."""

    calls: dict[tuple[str, Mode], Seen]
    after_three_calls: dict[str, int]
    """Number of evaluations at the service after three calls, by case; for creates only."""
    led_astray: int
    """Number of requests that arrived at the address that the redirects name."""


class MovingClock:
    """A clock with an error that a fault can change."""

    def __init__(self, off: timedelta) -> None:
        self.off = off

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.off


class World:
    """An engine with stored material, reached through a proxy that injects faults."""

    def __init__(
        self, url: str, engine: EngineClient, material: Material, client: httpx2.AsyncClient
    ) -> None:
        self._url = url.removesuffix("/v1")
        self._engine, self._material, self._client = engine, material, client
        self._marks = count(1)
        self.elsewhere = ""
        """The address that redirects name."""

    async def call(self, case: Case, mode: Mode) -> Seen:
        """Make one call with the fault injected."""
        own = await self._own(case.operation)
        times = 1 if mode == "once" else None
        async with self._faulty(case, times) as (provider, _, proxy):
            error: EvalsMCPError | None = None
            try:
                with anyio.fail_after(HANG_GUARD):
                    await case.operation.call(provider, own)
            except EvalsMCPError as caught:
                error = caught
            things = await self.things(case.operation, own)
            return Seen(
                Outcome(type(error) if error else None, proxy.aimed, things), str(error or "")
            )

    async def call_the_tool_three_times(self, case: Case) -> int:
        """Call the tool three times with one request; return the number of evaluations."""
        own = await self._own(case.operation)
        arguments = _tool_arguments(case.operation, own)
        async with (
            self._faulty(case, 1, aim=f"(?=POST )(?:{case.operation.aim})") as (
                provider,
                clock,
                _,
            ),
            served(provider, clock=Clock(now=clock), hang_guard=HANG_GUARD) as server,
        ):
            for _ in range(3):
                with anyio.fail_after(HANG_GUARD):
                    await server.client.call_tool("create_evaluation", arguments)
        return await self.things(case.operation, own) or 0

    @asynccontextmanager
    async def _faulty(
        self, case: Case, times: int | None, aim: str | None = None
    ) -> AsyncGenerator[tuple[Provider, MovingClock, FaultProxy]]:
        fault, clock = case.fault, MovingClock(case.fault.clock_off)

        async def strike(exchange: Any) -> None:
            clock.off += fault.jump
            inject = fault.then if fault.then and proxy.aimed > 1 else fault.inject
            assert inject is not None
            await inject(exchange)

        async with fault_proxy(
            self._url,
            strike if fault.inject else None,
            aim=aim or case.operation.aim,
            times=times,
            elsewhere=self.elsewhere,
        ) as proxy:
            address = fault.address(proxy.url) if fault.address else proxy.url
            yield self._provider(case.operation.contract, address, clock), clock, proxy

    def _provider(self, contract: Contract, address: str, clock: MovingClock) -> Provider:
        rest = RestClient(
            self._client,
            Service(
                "together" if contract == "vendor" else "local",
                address if contract == "benchmark" else f"{address}/v1",
                SecretStr(SECRET),
                "together.base_url",
                "the environment variable TOGETHER_API_KEY",
            ),
            Timing(_no_time, lambda: 0.0, asyncio.get_running_loop().time, clock),
            PATIENCE,
        )
        if contract == "benchmark":
            return NugenProvider(
                "local", rest, LOCAL.capabilities, generation=1, deadline=None, clock=clock
            )
        own = contract == "local"
        return TogetherProvider(
            "local" if own else "together",
            rest,
            LOCAL.capabilities if own else TOGETHER.capabilities,
            clock=clock,
        )

    async def _own(self, operation: Operation) -> Material:
        """Return the material with a mark, and a benchmark if needed, for one case only."""
        mark = f"case-{next(self._marks)}"
        benchmark = self._material.benchmark
        if operation.kind == "create" and operation.contract == "benchmark":
            benchmark = await upload_questions(self._engine, mark)
        return replace(self._material, mark=mark, own_benchmark=benchmark)

    async def things(self, operation: Operation, own: Material) -> int | None:
        """Return how many evaluations or complete files of this case the service has."""
        http, whole = self._engine.http, own.rows_file.stat().st_size
        match operation.kind, operation.contract:
            case "create", "benchmark":
                page = (await http.get(f"{self._url}/api/v3/evaluations?limit=100")).json()
                found = [own.own_benchmark == job["benchmark_id"] for job in page["evaluations"]]
            case "create", _:
                jobs = (await http.get("/evaluation?limit=100")).json()
                found = [own.mark in job["parameters"].get("labels", ()) for job in jobs]
            case "upload", "benchmark":
                listed = (await http.get(f"{self._url}/api/v3/benchmark/list")).json()
                found = [own.mark == one["benchmark_name"] for one in listed["benchmarks"]]
            case "upload", _:
                named = [
                    file
                    for file in (await http.get("/files")).json()["data"]
                    if file["filename"] == f"{own.mark}.jsonl"
                ]
                assert all(file["bytes"] == whole for file in named), "half a file is listed"
                found = [True] * len(named)
            case _:
                return None
        return sum(found)


async def observe(folder: Path, cases: Iterable[Case] = CASES) -> Observed:
    """Run the suite: every case in both modes; creates also by three calls of the tool."""
    seen = Observed({}, {}, 0)

    async def call(world: World, case: Case, mode: Mode, room: anyio.CapacityLimiter) -> None:
        async with room:
            seen.calls[case.title, mode] = await world.call(case, mode)

    async def repeat(world: World, case: Case, room: anyio.CapacityLimiter) -> None:
        async with room:
            seen.after_three_calls[case.title] = await world.call_the_tool_three_times(case)

    async with (
        _world(folder) as world,
        fault_proxy("http://127.0.0.1:1", None) as elsewhere,
        skipping(),
    ):
        world.elsewhere = f"{elsewhere.url}/v1/evaluation"
        for waits, at_once in ((False, BUSY_AT_ONCE), (True, WAITING_AT_ONCE)):
            room = anyio.CapacityLimiter(at_once)
            async with anyio.create_task_group() as tasks:
                for case in (case for case in cases if case.fault.waits is waits):
                    for mode in MODES:
                        tasks.start_soon(call, world, case, mode, room)
                    if case.operation.kind == "create":
                        tasks.start_soon(repeat, world, case, room)
        seen.led_astray = elsewhere.aimed
    return seen


def faults_of(message: str, error: type[EvalsMCPError] | None) -> list[str]:
    """Return the faults of an error's message: secrets, nobody named to act, or too long."""
    if error is None:
        return []
    secrets = [text for text in (SECRET, ROW, SIGNATURE, "Traceback") if text in message]
    wanted = next(words for kind, words in _WHO_ACTS.items() if issubclass(error, kind))
    unsaid = [] if re.search(wanted, message) else [f"does not match {wanted}"]
    long = ["longer than 1200 characters"] if len(message) > 1200 else []
    return [*secrets, *unsaid, *long]


async def _no_time(_seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


def _tool_arguments(operation: Operation, own: Material) -> dict[str, object]:
    if operation.contract == "benchmark":
        return {"type": "benchmark", "model_id": MODEL, "benchmark_id": own.own_benchmark}
    return {
        "type": "classify",
        "input_data_file_path": own.data_set,
        "judge": {"model": RULE_JUDGE["model"], "system_template": RULE_JUDGE["system_template"]},
        "labels": ["yes", own.mark],
        "pass_labels": ["yes"],
        "response_column": "answer",
    }


def _reply(request: ChatRequest) -> Reply:
    if "row to wait for" in str(request.body):
        return completion("", delay=10 * HANG_GUARD)
    return verdict(feedback="", label="good")


async def upload_questions(engine: EngineClient, name: str) -> str:
    """Store a benchmark without a fault; return its id."""
    root = str(engine.http.base_url).split("/v1")[0]
    answer = await engine.http.post(
        f"{root}/api/v3/benchmark/upload",
        files={"file": (f"{name}.json", json.dumps(QUESTIONS).encode())},
        data={"name": name},
    )
    return answer.json()["benchmark_id"]


@asynccontextmanager
async def _world(folder: Path) -> AsyncGenerator[World]:
    async with (
        ModelServer(_reply, models=(MODEL, "judge-1")) as models,
        served_engine(folder / "engine", LOCAL__MODELS__BASE_URL=models.base_url) as engine,
        httpx2.AsyncClient(base_url=engine.url, timeout=None, trust_env=False) as http,
        httpx2.AsyncClient(limits=_NO_LIMITS, trust_env=False) as struck,
    ):
        direct = EngineClient(http)
        yield World(engine.url, direct, await _material(folder, direct), struck)


async def _material(folder: Path, engine: EngineClient) -> Material:
    rows_file, questions_file = folder / "rows.jsonl", folder / "questions.jsonl"
    rows_file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    questions_file.write_text("".join(json.dumps(one) + "\n" for one in QUESTIONS))
    data_set, benchmark = await engine.upload(ROWS), await upload_questions(engine, "numbers")
    common = {"labels": ["good", "bad"], "pass_labels": ["good"], "model_to_evaluate": "answer"}
    ended = await engine.create(
        "classify", judge=RULE_JUDGE, input_data_file_path=data_set, **common
    )
    waiting = [ROWS[0], {"expected": "row to wait for", "answer": "row to wait for"}]
    running = await engine.create(
        "classify", judge=MODEL_JUDGE, input_data_file_path=await engine.upload(waiting), **common
    )
    root = "{0.scheme}://{0.netloc}/api/v3".format(urlsplit(str(engine.http.base_url)))
    body = {"model_id": MODEL, "benchmark_id": benchmark}
    created = (await engine.http.post(f"{root}/evaluations", json=body)).json()["evaluation_id"]
    await engine.finished(ended)
    await engine.until(running, lambda job: bool(job["progress"] and job["progress"]["done"]))
    with anyio.fail_after(HANG_GUARD):
        status = f"{root}/evaluations/{created}/status"
        while (await engine.http.get(status)).json()["status"] != "completed":  # noqa: ASYNC110
            await anyio.sleep(0.02)
    return Material(
        data_set, ended, running, benchmark, created, rows_file, questions_file, benchmark, "none"
    )
