"""The examples of `examples/README.md` give the printed figures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conversation import conversation

pytestmark = pytest.mark.usefixtures("lines_not_counted")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def printed() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the uploads of the page, each with the evaluation that follows."""
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    return list(zip(blocks[::2], blocks[1::2], strict=True))


@pytest.mark.parametrize(("upload", "create"), printed())
async def test_a_printed_example_gives_the_printed_figure(
    tmp_path: Path, upload: dict[str, Any], create: dict[str, Any]
) -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    async with conversation(tmp_path, EXAMPLES) as talk:
        stored = await talk.answer("upload_dataset", **upload)
        request = create | {"input_data_file_path": stored["file_id"]}
        created = await talk.answer("create_evaluation", **request)
        evaluation = {"evaluation_id": created["evaluation_id"]}
        await talk.answer("get_status", **evaluation, wait_seconds=20)
        answer = await talk.answer("get_evaluation", **evaluation)
    passed = answer["summary"]["pass_rate"]["count"]
    assert re.search(rf"\b{passed} answers\b", page)
