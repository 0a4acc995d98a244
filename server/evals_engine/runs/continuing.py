"""Evaluations that go on with the rows of one that stopped early: its verdicts are taken over."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol, cast

from evals_engine.faults import RequestError
from evals_engine.results.result_file import EARLIER_USAGE, USAGE
from evals_engine.runs.stop_rules import NO_COMMON_ORDER, rules_to_store
from evals_engine.runs.stopping.row_values import RowValues
from evals_engine.store.records import FinishedRow, StoredEvaluation
from evals_schemas.evaluation_api.evaluations import ANSWERS_FROM, ENDED, AnyParameters
from evals_schemas.sequential.continuing import continued_rules, reached_already
from evals_schemas.sequential.evidence import has_value
from evals_schemas.sequential.record import EarlierDecision, Sequential
from evals_schemas.sequential.stop_when import CONTINUES, STOP_WHEN, EngineStopWhen

PAGE = 500
"""Rows that are taken over in one commit."""

_SPEED_AND_LENGTH = frozenset({"num_workers", "max_tokens", "external_api_token"})
"""Fields of a judge that do not decide which verdict it gives."""


class Runs(Protocol):
    """Where evaluations are stored and run."""

    @property
    def judges_in_random_order(self) -> bool:
        """Whether evaluations may have `stop_when`."""
        ...

    def finished_rows(self, evaluation_id: str) -> Iterator[FinishedRow]:
        """Yield the rows that are stored of an evaluation."""
        ...


def continuation_to_store(
    continues: str,
    request: tuple[str, AnyParameters, EngineStopWhen | None],
    earlier: StoredEvaluation | None,
    runs: Runs,
) -> dict[str, Any]:
    """Return what is stored beside the parameters of an evaluation that continues another one.

    Blocking.

    Args:
        continues: the id in the request.
        request: its type, its parameters and its rules; None for all rows.
        earlier: the evaluation with this id; None if the owner has none.
        runs: where evaluations are stored.

    Raises:
        RequestError: that one cannot be continued, or not by this request.
    """
    kind, parameters, rules = request
    if not runs.judges_in_random_order:
        raise RequestError(NO_COMMON_ORDER.format(CONTINUES), CONTINUES)
    if earlier is None:
        raise RequestError(f"No evaluation {continues[:80]!r}.", CONTINUES)
    before, decided = _stopped(earlier)
    if next(runs.finished_rows(earlier.id), None) is None:
        raise RequestError(
            f"{continues} was judged by an earlier version, which kept no rows to go on with: "
            "start an evaluation of all rows.",
            CONTINUES,
        )
    if (earlier.type, _measured(earlier.parameters)) != (kind, _measured(_json(parameters))):
        raise RequestError(
            f"{continues} has another data set, judge or type: the rows of both are one sequence, "
            "so all of that must be the same.",
            CONTINUES,
        )
    if reason := reached_already(rules, before, decided):
        raise RequestError(
            f"{reason[:1].upper()}{reason[1:]}: leave that rule out, or change it; without "
            "`stop_when`, all other rows are judged.",
            STOP_WHEN,
        )
    together = continued_rules(rules, before, decided)
    stored = {CONTINUES: continues} | rules_to_store(together, parameters, runs)
    answers_from = earlier.parameters.get(ANSWERS_FROM)
    return stored | ({ANSWERS_FROM: answers_from} if answers_from else {})


def rows_to_take_over(
    rows: Iterator[FinishedRow], values: RowValues, finished: bytearray
) -> Iterator[list[FinishedRow]]:
    """Yield pages of the rows whose verdicts count; all others are judged again.

    Args:
        rows: those of the stopped evaluation.
        values: how rows count.
        finished: a flag for each row that the new evaluation has already.
    """
    chosen = (
        _taken_over(row)
        for row in rows
        if row.state == "ok" and not finished[row.row_number] and _counts(row, values)
    )
    while page := list(islice(chosen, PAGE)):
        yield page


def earlier_decisions(earlier: StoredEvaluation) -> list[EarlierDecision]:
    """Return what a stopped evaluation, and those that it continues, had decided."""
    _, decided = _stopped(earlier)
    ended_at = datetime.fromtimestamp(earlier.updated_at, UTC)
    latest = EarlierDecision(
        evaluation_id=earlier.id,
        ended_at=ended_at.isoformat(timespec="seconds"),
        decision=decided.decision,
        decided_at_row=decided.decided_at_row,
        e=decided.e,
        interval=decided.interval,
        rows_judged=earlier.done_rows,
    )
    return [*(decided.earlier or ()), latest]


def _stopped(earlier: StoredEvaluation) -> tuple[EngineStopWhen, Sequential]:
    """Return the rules and the record of a stopped evaluation."""
    rules = earlier.parameters.get(STOP_WHEN)
    record = (earlier.results or {}).get("sequential")
    if earlier.status not in ENDED:
        raise RequestError(f"{earlier.id} has not ended: wait for it.", CONTINUES)
    if rules is None or record is None:
        raise RequestError(
            f"{earlier.id} has no `stop_when`, so there is no order to go on with: start an "
            "evaluation of the rows that are left.",
            CONTINUES,
        )
    decided = Sequential.model_validate(record)
    if not decided.rows_not_judged:
        raise RequestError(f"{earlier.id} has judged all its rows.", CONTINUES)
    return EngineStopWhen.model_validate(rules), decided


def _taken_over(row: FinishedRow) -> FinishedRow:
    outcome = json.loads(row.outcome)
    before = outcome.pop(EARLIER_USAGE, {})
    used = outcome.pop(USAGE, before)
    return replace(row, outcome=json.dumps({**outcome, EARLIER_USAGE: used}))


def _counts(row: FinishedRow, values: RowValues) -> bool:
    return has_value(values.of(json.loads(row.outcome)).value)


def _json(parameters: AnyParameters) -> dict[str, Any]:
    return parameters.model_dump(mode="json", exclude_none=True)


def _measured(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two evaluations must share to be one sequence."""
    beside = {STOP_WHEN, CONTINUES, ANSWERS_FROM}
    fields = {name: value for name, value in parameters.items() if name not in beside}
    for name, value in fields.items():
        if isinstance(value, dict):
            model = cast("dict[str, Any]", value)
            ignored = _SPEED_AND_LENGTH if name == "judge" else _SPEED_AND_LENGTH - {"max_tokens"}
            fields[name] = {key: model[key] for key in model if key not in ignored}
    return fields
