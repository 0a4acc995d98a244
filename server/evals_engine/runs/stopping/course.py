"""The course of a run that may stop early: what its finished rows decide, and what they cost."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import fsum
from typing import Any, cast

from evals_engine.results.result_file import EARLIER_USAGE, USAGE
from evals_engine.runs.stopping.row_values import RowValue, RowValues
from evals_engine.store.records import FinishedRow
from evals_schemas.evaluation_api.rows import AFTER_DECISION
from evals_schemas.evaluation_api.usage import Usage
from evals_schemas.sequential.evidence import NO_VALUE, has_value
from evals_schemas.sequential.record import (
    EarlierDecision,
    RowNumbers,
    Sequential,
    sequential_record,
)
from evals_schemas.sequential.seeded_order import SeededOrder
from evals_schemas.sequential.stop_when import EngineStopWhen
from evals_schemas.sequential.stopping import Decision, DecisionKind, Stopping

FIRST_ROWS = 4
"""Rows in flight at most before the cost of one is known, in a run with a limit in dollars."""

WINDOW = 2
"""How many times as many rows as there are workers may be in flight or wait for an earlier row."""

_KINDS: Mapping[str, DecisionKind] = {"a_better": "below", "b_better": "above"}
"""The kinds of decisions whose names in the record differ."""


class Course:
    """The finished rows of one run in its seeded order."""

    def __init__(self, rules: EngineStopWhen, order: SeededOrder, values: RowValues) -> None:
        """Begin without a finished row."""
        self.rules = rules
        self.order = order
        self.positions = order.positions()
        self.stopping = Stopping(
            rules,
            order.unit_count,
            is_difference=values.is_difference,
            to_the_end=rules.to_the_end,
        )
        self.earlier: list[EarlierDecision] = []
        """What the evaluations that are continued had decided."""
        self._taken_over = 0
        self.first_unfinished = 0
        """Rows at the beginning of the order that have all ended."""
        self.finished = bytearray(len(order.rows))
        """A flag for each position."""
        self.started = 0
        """Rows at the beginning of the order that were started."""
        self._values = values
        self._left_in_unit = array("Q", bytes(8 * order.unit_count))
        for unit in order.units:
            self._left_in_unit[unit] += 1
        self._unit_values: dict[int, list[RowValue]] = {}
        self._failed_units = bytearray(len(order.rows))
        self._costs = 0.0
        self._dearest: float | None = None
        self._judged = 0

    def resume(self, rows: Iterable[FinishedRow], before: Mapping[str, Any] | None) -> None:
        """Take the rows of the ledger, and what was decided before another process went on."""
        record = Sequential.model_validate(before) if before else None
        self.add(rows)
        if record is None:
            return
        self.earlier = record.earlier or []
        if record.decision and record.decided_at_unit is not None:
            name = cast("DecisionKind", _KINDS.get(record.decision, record.decision))
            self.stopping.decision = Decision(name, record.decided_at_unit)

    def add(self, rows: Iterable[FinishedRow]) -> None:
        """Count finished rows, each once."""
        for row in rows:
            position = self.positions[row.row_number]
            if self.finished[position]:
                continue
            outcome: dict[str, Any] = json.loads(row.outcome)
            self.finished[position] = 1
            self.started = max(self.started, position + 1)
            self._judged += 1
            self._taken_over += EARLIER_USAGE in outcome
            self._add_cost(outcome)
            value = self._values.of(outcome) if row.state == "ok" else RowValue(NO_VALUE)
            self._failed_units[position] = not has_value(value.value)
            self._end_row(self.order.units[position], value)
        while self.first_unfinished < len(self.finished) and self.finished[self.first_unfinished]:
            self.first_unfinished += 1

    def look(self) -> Decision | None:
        """Return what ends the run; None if nothing does yet."""
        order = self.order
        units = order.units[self.started - 1] + 1 if self.started else 0
        return self.stopping.look(units)

    def end_at_the_budget(self) -> None:
        """Decide that the dollars are spent, over the rows that have ended."""
        if self.stopping.decision is None:
            self.stopping.look(0)
            self.stopping.decision = self.stopping.decision or Decision(
                "budget", self.stopping.prefix
            )

    def may_start(self, position: int, in_flight: int, workers: int) -> bool:
        """Return whether a row may be started now.

        Args:
            position: its position in the order.
            in_flight: rows that are in flight.
            workers: rows in flight at most.
        """
        if position >= self.first_unfinished + WINDOW * workers:
            return False
        if self.rules.to_the_end:
            return True
        return self.rules.max_usd is None or self._is_affordable(in_flight, self.rules.max_usd)

    def start(self, position: int) -> None:
        """Take note of a row that is started."""
        self.started = max(self.started, position + 1)

    def _is_affordable(self, in_flight: int, most: float) -> bool:
        """Return whether one more row costs no more than is left, if all cost the most so far."""
        if self._dearest is None:
            return in_flight < FIRST_ROWS
        return self._costs + (in_flight + 1) * self._dearest <= most

    @property
    def stopped_by(self) -> str | None:
        """What has ended the run before its last row; None if nothing has."""
        decision = self.stopping.decision
        if decision is None or self._judged == len(self.finished):
            return None
        return (self.record().decision or "").replace("_", " ")

    def marked(self, rows: Iterable[FinishedRow]) -> Iterator[FinishedRow]:
        """Yield rows; those that the decision does not count say so."""
        decision = self.stopping.decision
        counted = self.order.rows_of(decision.units) if decision else len(self.finished)
        for row in rows:
            if self.positions[row.row_number] < counted:
                yield row
            else:
                outcome = json.loads(row.outcome) | {AFTER_DECISION: True}
                yield replace(row, outcome=json.dumps(outcome))

    def record(self, *, has_ended: bool = False) -> Sequential:
        """Return what is known now, or since the decision."""
        decision = self.stopping.decision
        units = decision.units if decision else self.stopping.prefix
        counted = self.order.rows_of(units)
        rows = RowNumbers(
            total=len(self.finished),
            judged=self._judged,
            counted=counted,
            failed=sum(self._failed_units[:counted]),
            seed=self.rules.seed or 0,
            spent_usd=float(f"{self._costs:.6g}") if self.rules.prices else None,
            has_ended=has_ended,
            taken_over=self._taken_over,
        )
        record = sequential_record(self.stopping, rows)
        return record.model_copy(update={"earlier": self.earlier or None})

    def _end_row(self, unit: int, value: RowValue) -> None:
        self._left_in_unit[unit] -= 1
        members = self._unit_values.setdefault(unit, [])
        members.append(value)
        if self._left_in_unit[unit]:
            return
        del self._unit_values[unit]
        valid = [member.value for member in members if has_value(member.value)]
        orders = [member.order_changed for member in members if member.order_changed is not None]
        self.stopping.evidence.end(
            unit,
            fsum(valid) / len(valid) if valid else NO_VALUE,
            2 * sum(orders) >= len(orders) if orders else None,
        )

    def _add_cost(self, outcome: Mapping[str, Any]) -> None:
        prices = self.rules.prices
        if not prices:
            return
        cost = 0.0
        for role, numbers in (outcome.get(EARLIER_USAGE) or outcome.get(USAGE, {})).items():
            used = Usage(*numbers)
            if price := prices.get(role):
                cost += (used.input_tokens * price.input + used.output_tokens * price.output) / 1e6
        self._costs += cost
        self._dearest = max(self._dearest or 0.0, cost)
