"""Finds the promises that a run of the suite has broken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tests.faults.client_cases import Case, Observed, faults_of
from tests.faults.engine_cases import EngineCase, RowsSeen, promised_rows
from tests.faults.injections import ROW, SECRET, SIGNATURE
from tests.faults.promises import MODES, promised, promised_after_three_calls


def broken_by_a_call(case: Case, seen: Observed) -> Iterable[str]:
    """Yield each promise that a case has broken, as a sentence."""
    for mode in MODES:
        seen_call, expected = (
            seen.calls[case.title, mode],
            promised(case.fault, case.operation, mode),
        )
        outcome, text = seen_call.outcome, seen_call.text
        if outcome != expected:
            yield f"{case.title}, {mode}: {outcome}, expected {expected}. The message: {text}"
        for fault in faults_of(text, outcome.error):
            yield f"{case.title}, {mode}: the message has a fault ({fault}): {text}"
    if case.title in seen.after_three_calls:
        jobs = seen.after_three_calls[case.title]
        expected_jobs = promised_after_three_calls(case.fault, case.operation)
        if jobs != expected_jobs:
            yield f"{case.title}: three calls started {jobs}, expected {expected_jobs}"


def broken_by_a_row(case: EngineCase, seen: dict[str, RowsSeen]) -> Iterable[str]:
    """Yield each promise that an evaluation has broken, as a sentence."""
    rows, expected = seen[case.title], promised_rows(case)
    if replace(rows, reason="") != expected:
        yield f"{case.title}: {rows}, expected {expected}"
    if bool(rows.reason) is not bool(expected.failed_at or expected.by_one_order):
        yield f"{case.title}: the reason is {rows.reason!r}"
    if any(text in rows.reason for text in (SECRET, ROW, SIGNATURE)):
        yield f"{case.title}: the reason contains a secret or a row: {rows.reason}"
