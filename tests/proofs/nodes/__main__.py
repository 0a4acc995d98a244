"""Faults of several nodes, with a line each.

python -m tests.proofs.nodes [names of checks] [chaos] [--seeds 10] [--outages 10]
"""

from __future__ import annotations

import argparse

import anyio

from tests.proofs.nodes.chaos import chaos
from tests.proofs.nodes.checks import CHECKS, line_of

CHAOS_ROWS = 30_000


async def main(names: list[str], seeds: int, outages: int) -> None:
    """Run checks and print the table.

    Raises:
        AssertionError: a row was lost, or more were repeated than the documents promise.
    """
    head = "".join(f"{name:>10}" for name in ("rows", "lost", "repeated", "seconds"))
    print(f"{'fault':52}{head}", flush=True)
    for name, (rows, check) in CHECKS.items():
        if name in names:
            for _ in range(outages if name == "database" else 1):
                print(line_of(await check(rows)), flush=True)
    if "chaos" in names:
        for seed in range(1, seeds + 1):
            print(line_of(await chaos(seed, CHAOS_ROWS)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    choices = [*CHECKS, "chaos"]
    parser.add_argument("names", nargs="*", metavar="CHECK", help=", ".join(choices))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--outages", type=int, default=10)
    chosen = parser.parse_args()
    anyio.run(main, chosen.names or choices, chosen.seeds, chosen.outages)
