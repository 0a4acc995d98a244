"""A person labels 60 of 300 rows of a lenient judge in a terminal, and the rate is corrected."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.journeys import labelled
from tests.server.commands.test_label import GUARD, judged, terminal
from tests.server.serving import own_provider, served, settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")


def test_sixty_keys_in_a_terminal_correct_the_rate_of_300_rows(tmp_path: Path) -> None:
    evaluation = anyio.run(_judged, tmp_path)
    numbers, keys = list[int](), 0

    with terminal(tmp_path, evaluation) as (screen, process):
        while len(numbers) < labelled.LABELS:
            numbers.append(labelled.number_in(screen.wait_for("[q] end")))
            pressed = labelled.key_for(numbers[-1])
            screen.press(pressed)
            keys += len(pressed)
        screen.wait_for("[q] end")
        screen.press("q")
        closing = screen.wait_for("rows labelled")
        assert process.wait(GUARD) == 0

    assert f"{labelled.LABELS} of {labelled.ROWS}" in closing
    assert keys <= 2 * labelled.LABELS
    labelled.check_corrected(anyio.run(_answer, tmp_path, evaluation), numbers)


async def _judged(folder: Path) -> str:
    return await judged(folder, labelled.rows(), **labelled.PASSES)


async def _answer(folder: Path, evaluation: str) -> dict[str, Any]:
    configured = settings(folder, local={"data_dir": folder / "engine"})
    async with own_provider(configured) as provider, served(provider, configured=configured) as has:
        return await has.answer("get_evaluation", evaluation_id=evaluation)
