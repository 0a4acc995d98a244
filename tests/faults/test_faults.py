"""Faults at every operation end as docs/faults.md promises: in the proofs every fault."""

from __future__ import annotations

import pytest

from tests.faults import client_cases, engine_cases
from tests.faults.catalog import FAULTS
from tests.faults.client_cases import Case, Observed
from tests.faults.elsewhere import REFERENCES, ROOT, Reference
from tests.faults.engine_cases import EngineCase, RowsSeen
from tests.faults.operations import OPERATIONS
from tests.faults.page import page
from tests.faults.skipping_loop import run_skipping
from tests.faults.verdict import broken_by_a_call, broken_by_a_row

pytestmark = pytest.mark.usefixtures("lines_not_counted")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """Run all cases at once, since most of them wait."""
    return run_skipping(
        client_cases.observe, tmp_path_factory.mktemp("calls"), client_cases.TESTED_CASES
    )


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RowsSeen]:
    return run_skipping(
        engine_cases.observe, tmp_path_factory.mktemp("engines"), engine_cases.TESTED_CASES
    )


def test_every_fault_is_tried() -> None:
    """In the gate each fault is tried at some operations only."""
    assert {case.fault for case in client_cases.TESTED_CASES} == set(FAULTS)
    assert {case.operation for case in client_cases.TESTED_CASES} == set(OPERATIONS)
    assert {case.fault for case in engine_cases.TESTED_CASES} == set(engine_cases.STRIKING)


@pytest.mark.parametrize("case", client_cases.TESTED_CASES, ids=lambda case: case.title)
def test_a_struck_call_ends_as_promised(case: Case, calls: Observed) -> None:
    assert list(broken_by_a_call(case, calls)) == []


def test_no_redirect_is_followed(calls: Observed) -> None:
    assert calls.led_astray == 0


@pytest.mark.parametrize("case", engine_cases.TESTED_CASES, ids=lambda case: case.title)
def test_a_struck_row_ends_as_promised(case: EngineCase, rows: dict[str, RowsSeen]) -> None:
    assert list(broken_by_a_row(case, rows)) == []


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.fault)
def test_what_the_page_refers_to_is_there(reference: Reference) -> None:
    assert reference.exists


def test_the_page_is_what_is_promised() -> None:
    committed = (ROOT / "docs" / "faults.md").read_text("utf-8")
    assert committed == page(), "run `python -m tests.faults > docs/faults.md`"
