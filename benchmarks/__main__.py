"""`python -m benchmarks [name …]`: run the named benchmarks, or all that end within minutes.

Without names, the table is also written to `benchmarks/results/`; the documents quote it.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    answers,
    call,
    check,
    clients,
    comparison,
    engine,
    first_call,
    load,
    memory,
    nodes,
    pages,
    plan,
    start,
    table,
    tools,
)
from benchmarks.child_process import ChildFailedError
from benchmarks.figures import Benchmark, Figure

BENCHMARKS: dict[str, Benchmark] = {
    "start": start.run,
    "first-call": first_call.run,
    "check": check.run,
    "plan": plan.run,
    "tools": tools.run,
    "answers": answers.run,
    "clients": clients.run,
    "engine": engine.run,
    "memory": memory.run,
    "results": pages.run,
    "comparison": comparison.run,
    "call": call.run,
    "load": load.run,
    "memory-model": memory.run_with_model,
    "nodes": nodes.run,
}

RESULTS = Path(__file__).with_name("results")

ON_REQUEST = frozenset({"clients", "memory-model", "nodes"})
"""Benchmarks that run only if they are named."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    names: list[str] = parser.parse_args().names
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    # Child processes end with the benchmark, also if it is terminated.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    figures, failed = measured(names or [name for name in BENCHMARKS if name not in ON_REQUEST])
    found = f"{table.machine()}\n\n{table.render(figures)}\n"
    print(found)
    if not names:
        write(found)
    return int(failed)


def measured(names: Sequence[str]) -> tuple[list[Figure], bool]:
    """Return the figures of some benchmarks, and whether one of them failed."""
    figures: list[Figure] = []
    failed = False
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            figures += BENCHMARKS[name]()
        except ChildFailedError as error:
            failed = True
            figures.append(Figure(name, None, "", note="failed, see above"))
            print(f"{name}: {error}", file=sys.stderr)
    return figures, failed


def write(found: str) -> None:
    """Write the table to a file named after the day of the measurement."""
    today = datetime.now(UTC).date().isoformat()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{today}.md"
    path.write_text(f"# Measured on {today} by `make bench`\n\n{found}", encoding="utf-8")
    print(f"written to {path.relative_to(Path.cwd())}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
