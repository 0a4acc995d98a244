"""`docs/faults.md`: the promises as tables."""

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
"""Each with an operation that stands for it; what others do otherwise is listed below."""

_INTRODUCTION = """\
# Faults

What is promised when something fails between this server and an evaluation service, and between the
engine and a model. `python -m tests.faults` injects every fault below at every operation over real
sockets, says what was not kept, and prints this page.

**Who acts.** An error ends in *operator* (a setting, a token, an account), *caller* (the request: a
field, or the tool that lists what there is) or *time* (the service: when to try again). The message
says which. It repeats no token, no signed URL, and no body of an answer.

**What is retried.** Reads: after a connection that failed or broke off, silence, 429, 502, 503 and
504 (of the benchmark contract 500 too), {tries} times at most and within one budget, waiting as
long as `Retry-After` asks. A `Retry-After` longer than the budget is told, not waited for.

**What never is.** A change is sent once. A create whose answer is lost is looked for in the list;
a service that takes idempotency keys is sent the same key again instead. Whatever stays unsettled
is *unknown*, and said so: the next identical call looks for it before it starts another.
"""

_CLIENT = """\
## The server as a client

{cases} cases: {faults} faults at {calls} operations, each with the first request struck, and with
all. *Else* says how it ends when every request is struck. *Jobs* are the evaluations that three
identical calls of `create_evaluation` have started, the first of them struck: vendor, local,
benchmark.
"""

_ENGINE = """
## The engine as a client of models

{cases} cases: evaluations of four rows, one call struck, and all. A row that fails keeps the stage
and the reason; none is lost or doubled. When more than 30 % of the rows fail, the evaluation ends
as `error` with the first reason.
"""


def page() -> str:
    """All of it, from the promises alone."""
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
            ((one.fault, one.promise, f"`{one.path}`") for one in REFERENCES),
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
    jobs = ", ".join(str(promised_after_three_calls(fault, one)) for one in creates)
    return (fault.name, *(_cell(fault, operation) for operation in operations), jobs)


def _differences() -> Iterable[str]:
    standing = {operation.kind: operation for operation in map(_operation, _COLUMNS.values())}
    for operation in OPERATIONS:
        stands = standing.get(operation.kind, standing["stream"])
        if operation.kind == "create":
            continue
        found: dict[str, list[str]] = {}
        for fault in FAULTS:
            if (cell := _cell(fault, operation)) != _cell(fault, stands):
                found.setdefault(cell, []).append(fault.name)
        if found:
            told = "; ".join(f"{', '.join(names)}: *{cell}*" for cell, names in found.items())
            yield f"* `{operation.name}` ({operation.contract}): {told}"


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
