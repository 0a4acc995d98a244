"""The results as JUnit XML, which the forges read.

The suites of `run` have a test case for each row; those of `gate` one for each metric and each
pinned row that failed, so that a red case means a red gate. The form is the one that both the
schema of Ant's JUnit task and that of Jenkins' xunit plugin accept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from xml.etree import ElementTree

from evals_mcp.cleaning import clean
from evals_mcp.repository_runs.rows import RunRow
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import JUDGED
from evals_schemas.repository.results import GateReport, RunResults

MOST_CASES = 5_000
"""Rows of one metric that get a test case; those that do not pass come first."""

_FEEDBACK = ("feedback", "judge_feedback_original_order")
_TEXT = 600
_NAME = 100

_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2)."""

Result = Literal["failure", "error", "skipped"]


@dataclass(frozen=True)
class Case:
    """One test case."""

    name: str
    classname: str
    result: Result | None = None
    """None if it passed."""
    kind: str = ""
    message: str = ""
    text: str = ""


@dataclass(frozen=True)
class Suite:
    """The cases of one metric."""

    name: str
    cases: Sequence[Case]
    text: str = ""


def suites_of(results: RunResults, rows: Mapping[str, Sequence[RunRow]]) -> list[Suite]:
    """Return the suites of a run or of a gate.

    Args:
        results: the results.
        rows: the rows of each metric.
    """
    if results.gate is not None:
        return [Suite("gate", list(_gate_cases(results.gate)), results.gate.sentence)]
    if results.error is not None and not rows:
        case = Case(results.file, "evals", "error", "could_not_run", results.error)
        return [Suite("run", [case], results.error)]
    return [
        _suite(metric.name, rows.get(metric.name, ()), metric.headline or "")
        for metric in results.metrics
    ]


def junit_xml(suites: Sequence[Suite], started_at: datetime, seconds: float) -> str:
    """Return suites as a document."""
    root = ElementTree.Element("testsuites")
    for number, suite in enumerate(suites):
        counts = dict.fromkeys(("failure", "error", "skipped"), 0)
        for case in suite.cases:
            if case.result:
                counts[case.result] += 1
        element = ElementTree.SubElement(
            root,
            "testsuite",
            {
                "name": _token(suite.name),
                "package": "evals",
                "id": str(number),
                "timestamp": started_at.strftime("%Y-%m-%dT%H:%M:%S"),
                "hostname": "localhost",
                "tests": str(len(suite.cases)),
                "failures": str(counts["failure"]),
                "errors": str(counts["error"]),
                "skipped": str(counts["skipped"]),
                "time": f"{seconds:.3f}" if number == 0 else "0.000",
            },
        )
        ElementTree.SubElement(element, "properties")
        for case in suite.cases:
            _add(element, case)
        ElementTree.SubElement(element, "system-out").text = _valid(suite.text)
        ElementTree.SubElement(element, "system-err")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: ElementTree.Element, case: Case) -> None:
    fields = {"name": _token(case.name), "classname": _token(case.classname), "time": "0.000"}
    element = ElementTree.SubElement(suite, "testcase", fields)
    if case.result is None:
        return
    details = {"message": _valid(case.message)}
    if case.result != "skipped":
        details["type"] = case.kind
    ElementTree.SubElement(element, case.result, details).text = _valid(case.text)


def _gate_cases(gate: GateReport) -> Iterator[Case]:
    if not gate.metrics:
        yield Case("gate", "evals.gate", "error", gate.outcome, gate.sentence)
    for metric in gate.metrics:
        result = _result_of(metric.outcome, gate)
        yield Case(metric.name, "evals.gate", result, metric.outcome, metric.sentence)
    for row in gate.pinned.failed if gate.pinned else ():
        sentence = f"The pinned row {row} passed in the baseline and failed three times now."
        yield Case(f"pinned row {row}", "evals.pinned", "failure", "regressed", sentence)


def _result_of(outcome: str, gate: GateReport) -> Result | None:
    match outcome:
        case "passed":
            return None
        case "regressed":
            return "failure"
        case "could_not_run":
            return "error"
        case _:
            fails = gate.outcome == "not_enough_evidence" and gate.exit_code != 0
            return "failure" if fails else "skipped"


def _suite(name: str, rows: Sequence[RunRow], headline: str) -> Suite:
    numbered = list(enumerate(rows, 1))
    if len(numbered) > MOST_CASES:
        numbered.sort(key=lambda each: _passes(each[1]))
        numbered = sorted(numbered[:MOST_CASES], key=lambda each: each[0])
        left_out = counted(len(rows) - MOST_CASES, "row")
        headline = f"{headline}\n{left_out} left out here, passing ones first."
    return Suite(name, [_case(name, number, row) for number, row in numbered], headline)


def _case(metric: str, number: int, row: RunRow) -> Case:
    name, verdict = f"row {number}", row.verdict
    text = next((str(row.cells[each]) for each in _FEEDBACK if row.cells.get(each)), "")
    text = clean(text, _TEXT, keep_lines=True)
    if verdict.state != JUDGED:
        reason = clean(str(row.cells.get("evaluation_error") or verdict.state), _TEXT)
        return Case(name, metric, "error", verdict.state, f"No verdict: {reason}", text)
    if verdict.passed is False:
        value = verdict.verdict if verdict.score is None else f"{verdict.score:g}"
        return Case(name, metric, "failure", "not_passed", clean(f"{value}", _NAME), text)
    return Case(name, metric)


def _passes(row: RunRow) -> bool:
    return row.verdict.state == JUDGED and row.verdict.passed is not False


def _token(text: str) -> str:
    """Return a text as an XML token: one line, without blanks at its ends, not empty."""
    return clean(_valid(text), _NAME) or "-"


def _valid(text: str) -> str:
    return _INVALID.sub("\ufffd", text)
