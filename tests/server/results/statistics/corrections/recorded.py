"""What independent libraries computed; `python -m tests.judge_figures` records it anew."""

from __future__ import annotations

import json
from typing import Any

from tests.judge_figures.__main__ import RECORDED


def recorded(name: str) -> list[dict[str, Any]]:
    """Return the recorded cases of one kind."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))[name]
