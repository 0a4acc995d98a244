"""A part of the hostile suite: every case ends with a reason, and the second user goes on.

`make proofs` runs every case.
"""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from evals_engine.compute.jobs import Limits
from evals_mcp.local_engine import configuration, server_pool
from tests.hostile import suite
from tests.hostile.cases import CELLS, TEMPLATES
from tests.hostile.suite import Observed, observe_cells, observe_files, observe_templates

pytestmark = pytest.mark.usefixtures("lines_not_counted")

WAIT = 240
GROWTH_MB = 100


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let items take a fifth of a second, so that the cases end soon, and the second user rest."""
    monkeypatch.setattr(suite, "BREATH", 0.3)
    limits = Limits(cpu_seconds=0.2, wall_seconds=60.0)

    def short(_: object) -> Limits:
        return limits

    for module in (configuration, server_pool):
        monkeypatch.setattr(module, "compute_limits", short)


def _has_ended(outcome: str) -> bool:
    """Return whether a plan has named the template, or a run has ended."""
    return any(word in outcome for word in ("judge.system_template", "completed", "error"))


async def test_templates_end_with_a_reason(tmp_path: Path) -> None:
    seen: list[Observed] = []
    with anyio.fail_after(WAIT):
        await observe_templates(tmp_path, TEMPLATES[::7], seen.append)
    assert len(seen) == 10
    for each in seen:
        assert _has_ended(each.outcome), each
        assert each.growth_mb < GROWTH_MB, each


async def test_cells_end_with_a_verdict_or_a_reason(tmp_path: Path) -> None:
    seen: list[Observed] = []
    with anyio.fail_after(WAIT):
        await observe_cells(tmp_path, CELLS[::9], seen.append)
    assert len(seen) == 5
    for each in seen:
        assert _has_ended(each.outcome), each
        assert each.growth_mb < GROWTH_MB, each


async def test_files_end_with_an_answer(tmp_path: Path) -> None:
    names = [
        "a number across two blocks",
        "a million brackets",
        "NaN",
        "small rows and then large ones",
        "a line of digits",
    ]
    seen: list[Observed] = []
    with anyio.fail_after(WAIT):
        await observe_files(tmp_path, names, seen.append)
    assert [each.case for each in seen] == [f"file: {name}" for name in names]
    for each in seen:
        assert each.outcome.startswith(("The data set ", "Stored")), each
        assert each.growth_mb < GROWTH_MB, each
