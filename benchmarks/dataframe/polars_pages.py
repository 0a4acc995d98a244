"""Finds two pages of failing rows with polars: `polars_pages.py lazy|memory FILE ROWS PAGE TIMES`.

It runs in an interpreter that has polars but not this project. `pages_readings.py` describes its
input and output.
"""

from __future__ import annotations

import json
import sys
import time

import polars as pl

FAILS = pl.col("label").is_in(["bad"])


def main(way: str, file: str, rows: int, page: int, times: int) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    skipped, later = (page - 1) * rows, []
    started = time.perf_counter()
    if way == "lazy":
        failing = pl.scan_ndjson(file).filter(FAILS)
        first_page = failing.head(rows).collect(engine="streaming").to_dicts()
        matching = failing.select(pl.len()).collect(engine="streaming").item()
    else:
        frame = pl.read_ndjson(file)
        found = frame.filter(FAILS)
        first_page, matching = found.head(rows).to_dicts(), found.height
    first = time.perf_counter() - started
    for _ in range(times):
        started = time.perf_counter()
        if way == "lazy":
            later_page = failing.slice(skipped, rows).collect(engine="streaming").to_dicts()
        else:
            later_page = frame.filter(FAILS).slice(skipped, rows).to_dicts()
        later.append(time.perf_counter() - started)
    answer = {"first": first, "later": later, "matching": matching}
    print(json.dumps(answer | {"pages": [first_page, later_page]}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
