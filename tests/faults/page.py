"""Writes `docs/faults.md`: the promises as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from evals_mcp.errors import AmbiguousCreateError, CallerError, OperatorError
from tests.faults import client_cases, engine_cases
from tests.faults.catalog import FAULTS, Effect, Fault
from tests.faults.elsewhere import REFERENCES
from tests.faults.engine_cases import EngineCase, RowsSeen, promised_rows
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.promises import MODES, Outcome, promised, promised_after_three_calls

_COLUMNS = {
    "read": "local.get_status",
    "create (vendor)": "vendor.create_evaluation",
    "create (local)": "local.create_evaluation",
    "create (benchmark)": "benchmark.create_evaluation",
    "upload": "local.upload_dataset",
    "cancel": "local.cancel_evaluation",
    "stream": "local.dataset_content",
}
"""The columns, each with its example operation; deviating operations are listed on the page."""

_INTRODUCTION = """\
# Faults

This page promises what happens when something fails between this server and an evaluation service,
or between the engine and a model. `python -m tests.faults` injects every fault below at every
operation over real sockets, reports every promise that was broken, and prints this page.

**Who must act.** Every error names who can solve it: *operator* (a setting, a token, an account),
*caller* (the request: a field, or the tool that lists valid values) or *time* (the service: try
again later). The message contains no token, no signed URL and no body of an answer.

**What is retried.** Reads are retried after a connection that failed or broke off, after silence,
and after 429, 502, 503 and 504 (in the benchmark contract also 500): at most {tries} attempts
within one time budget, with the wait that `Retry-After` asks for. If `Retry-After` is longer than
the budget, the error reports it and the call does not wait.

**What is never retried.** A change is sent once. If the answer to a create is lost, the server
looks for the evaluation in the list; a service that supports idempotency keys gets the same key
again instead. If neither settles it, the error says that the outcome is *unknown*, and the next
identical call looks for the evaluation before it starts another.
"""

_CLIENT = """\
## The server as a client

{cases} cases: {faults} faults at {calls} operations, each once with a fault in the first request
only and once with a fault in every request. *Else* names the ending with a fault in every request.
*Jobs* is the number of evaluations that three identical calls of `create_evaluation` start, with a
fault in the first call: vendor, local, benchmark.
"""

_ENGINE = """
## The engine as a client of models

{cases} cases: evaluations of four rows, with a fault in one call or in every call. A failed row
stores the stage and the reason; no row is lost or duplicated. When more than 30 % of the rows
fail, the evaluation ends as `error` with the first reason.
"""


def page() -> str:
    """Return the page, computed from the promises alone."""
    tries = promised(FAULTS[3], _operation("local.get_status"), "always").asked
    parts = [
        _INTRODUCTION.format(tries=tries),
        _CLIENT.format(cases=len(client_cases.CASES), faults=len(FAULTS), calls=len(OPERATIONS)),
        *_client_tables(),
        "### Where an operation differs from its column\n",
        *_differences(),
        _ENGINE.format(cases=len(engine_cases.CASES)),
        *_engine_table(),
        "\n## Disks, processes and clocks\n",
        *_table(
            ("fault", "promise", "test"),
            (
                (reference.fault, reference.promise, f"`{reference.path}`")
                for reference in REFERENCES
            ),
        ),
    ]
    return "\n".join(parts) + "\n"


def _client_tables() -> Iterable[str]:
    for stage, faults in groupby(FAULTS, key=lambda fault: fault.stage):
        yield f"### {stage.capitalize()}\n"
        yield from _table(("fault", *_COLUMNS, "jobs"), (_client_row(fault) for fault in faults))
        yield ""


def _client_row(fault: Fault) -> Sequence[str]:
    operations = [_operation(title) for title in _COLUMNS.values()]
    creates = [operation for operation in operations if operation.kind == "create"]
    jobs = ", ".join(str(promised_after_three_calls(fault, create)) for create in creates)
    return (fault.name, *(_cell(fault, operation) for operation in operations), jobs)


def _differences() -> Iterable[str]:
    examples = {operation.kind: operation for operation in map(_operation, _COLUMNS.values())}
    for operation in OPERATIONS:
        example = examples.get(operation.kind, examples["stream"])
        if operation.kind == "create":
            continue
        deviating: dict[str, list[str]] = {}
        for fault in FAULTS:
            if (cell := _cell(fault, operation)) != _cell(fault, example):
                deviating.setdefault(cell, []).append(fault.name)
        if deviating:
            cells = "; ".join(f"{', '.join(names)}: *{cell}*" for cell, names in deviating.items())
            yield f"* `{operation.name}` ({operation.contract}): {cells}"


def _cell(fault: Fault, operation: Operation) -> str:
    once, always = (_words(promised(fault, operation, mode), operation) for mode in MODES)
    return once if once == always else f"{once}, else {always}"


def _words(outcome: Outcome, operation: Operation) -> str:
    if outcome.error is None:
        return "done" if outcome.asked <= 1 else _after_a_loss(operation)
    if issubclass(outcome.error, AmbiguousCreateError):
        return "unknown"
    if issubclass(outcome.error, OperatorError):
        return "operator"
    return "caller" if issubclass(outcome.error, CallerError) else "time"


def _after_a_loss(operation: Operation) -> str:
    if operation.kind != "create":
        return "retried"
    return "same key again" if operation.contract == "local" else "found in the list"


def _engine_table() -> Iterable[str]:
    rows = (
        (fault.name, *(_engine_cell(fault, stage) for stage in engine_cases.STAGES))
        for fault in engine_cases.STRIKING
    )
    return _table(("fault", *engine_cases.STAGES), rows)


def _engine_cell(fault: Fault, stage: engine_cases.Stage) -> str:
    once, always = (
        _row_words(promised_rows(EngineCase(fault, stage, mode)), fault) for mode in MODES
    )
    return once if once == always else f"{once}, else {always}"


def _row_words(seen: RowsSeen, fault: Fault) -> str:
    if seen.status == "error":
        return "ends as error"
    if seen.by_one_order:
        return "the other order decides"
    if seen.failed:
        return "row fails"
    return "judged" if fault.effect is Effect.HARMLESS else "retried"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _operation(title: str) -> Operation:
    return next(operation for operation in OPERATIONS if operation.title == title)
