"""Finds two pages of failing rows without an index: `pages_loop.py FILE ROWS PAGE TIMES`.

`pages_readings.py` describes its input and output.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any


def main(file: Path, rows: int, page: int, times: int) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    later: list[float] = []
    later_page: list[Any] = []
    started = time.perf_counter()
    failing = failing_rows(file)
    first_page = list(islice(failing, rows))
    matching = len(first_page) + sum(1 for _ in failing)
    first = time.perf_counter() - started
    for _ in range(times):
        started = time.perf_counter()
        later_page = list(islice(failing_rows(file), (page - 1) * rows, page * rows))
        later.append(time.perf_counter() - started)
    answer = {"first": first, "later": later, "matching": matching}
    print(json.dumps(answer | {"pages": [first_page, later_page]}), flush=True)


def failing_rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as stream:
        for line in stream:
            row = json.loads(line)
            if row["label"] == "bad":
                yield row


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
