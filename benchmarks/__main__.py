"""`python -m benchmarks [name …]`: run the benchmarks named, or all that end within minutes."""

from __future__ import annotations

import argparse
import sys

from benchmarks import (
    answers,
    call,
    check,
    clients,
    engine,
    load,
    memory,
    plan,
    results,
    start,
    table,
    tools,
)
from benchmarks.child_process import ChildFailedError
from benchmarks.figures import Benchmark, Figure

BENCHMARKS: dict[str, Benchmark] = {
    "start": start.run,
    "check": check.run,
    "plan": plan.run,
    "tools": tools.run,
    "answers": answers.run,
    "clients": clients.run,
    "engine": engine.run,
    "memory": memory.run,
    "results": results.run,
    "call": call.run,
    "load": load.run,
    "memory-model": memory.run_with_model,
}

ON_REQUEST = frozenset({"clients", "memory-model"})
"""What runs only when it is named."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    names: list[str] = parser.parse_args().names
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    figures: list[Figure] = []
    failed = False
    for name in names or [name for name in BENCHMARKS if name not in ON_REQUEST]:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            figures += BENCHMARKS[name]()
        except ChildFailedError as error:
            failed = True
            figures.append(Figure(name, None, "", note="failed, see above"))
            print(f"{name}: {error}", file=sys.stderr)
    print(table.machine(), table.render(figures), sep="\n\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
