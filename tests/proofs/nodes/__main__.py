"""The sixteen checks of several nodes, with a line for each part: its figures and its verdict.

python -m tests.proofs.nodes [numbers or names] [--seeds 1-10] [--outages 10] [--record FILE]

With a record, a part that has ended well is not run again: so an interrupted run is resumed. The
load is the mean number of processes that wanted to run in the last minute, by which a wall time is
to be judged.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import anyio

from tests.proofs.nodes.finding import FAILED, HEAD, Finding, line_of
from tests.proofs.nodes.parts import Part, chosen, parts
from tests.proofs.nodes.record import Record


def main() -> int:
    """Run the parts and print the table; return 1 if one has failed, else 0."""
    arguments = _arguments()
    try:
        selected = chosen(arguments.names, parts(arguments.seeds, arguments.outages))
    except ValueError as unknown:
        print(unknown, file=sys.stderr)
        return 2
    record = Record(arguments.record)
    print(HEAD, flush=True)
    has_failed = False
    for part in selected:
        ended = record.of(part.name)
        if ended is None:
            ended = (_finding_of(part), os.getloadavg()[0])
            record.add(part.name, *ended)
        finding, load = ended
        print(line_of(part.check, finding, load), flush=True)
        has_failed |= finding.verdict == FAILED
    return int(has_failed)


def _finding_of(part: Part) -> Finding:
    """Run a part; whatever ends it early is its finding."""
    since = time.monotonic()
    try:
        return anyio.run(part.run)
    except Exception as error:  # noqa: BLE001 - the other parts go on
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Finding(part.name, 0, 0, 0, time.monotonic() - since, reason, FAILED)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CHECK", help="all unless given")
    parser.add_argument("--seeds", type=_range, default=range(1, 11), help="of chaos: 3 or 4-10")
    parser.add_argument("--outages", type=int, default=10, help="of the database, in a row")
    parser.add_argument("--record", type=Path, help="file to which lines are added")
    return parser.parse_args()


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main())
