"""What a run of the suite has seen that was not promised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tests.faults.client_cases import Case, Observed, faults_of
from tests.faults.engine_cases import EngineCase, RowsSeen, promised_rows
from tests.faults.injections import ROW, SECRET, SIGNATURE
from tests.faults.promises import MODES, promised, promised_after_three_calls


def broken_by_a_call(case: Case, seen: Observed) -> Iterable[str]:
    """Each promise that a case has broken, as a sentence."""
    for mode in MODES:
        found, wanted = seen.calls[case.title, mode], promised(case.fault, case.operation, mode)
        if found.outcome != wanted:
            yield f"{case.title}, {mode}: {found.outcome}, not {wanted}. It said: {found.text}"
        for fault in faults_of(found.text, found.outcome.error):
            yield f"{case.title}, {mode}: the message has a fault ({fault}): {found.text}"
    if case.title in seen.after_three_calls:
        jobs = seen.after_three_calls[case.title]
        wanted_jobs = promised_after_three_calls(case.fault, case.operation)
        if jobs != wanted_jobs:
            yield f"{case.title}: three calls have started {jobs}, not {wanted_jobs}"


def broken_by_a_row(case: EngineCase, seen: dict[str, RowsSeen]) -> Iterable[str]:
    """Each promise that an evaluation has broken, as a sentence."""
    found, wanted = seen[case.title], promised_rows(case)
    if replace(found, reason="") != wanted:
        yield f"{case.title}: {found}, not {wanted}"
    if bool(found.reason) is not bool(wanted.failed_at or wanted.by_one_order):
        yield f"{case.title}: the reason is {found.reason!r}"
    if any(text in found.reason for text in (SECRET, ROW, SIGNATURE)):
        yield f"{case.title}: the reason tells too much: {found.reason}"
