"""Pages over a million judged rows, compared with a plain loop and polars over the same file.

Each way finds the same: the first page of failing rows with the number of all failing rows, then a
later page. Without that number, a page would need only the first rows of the file.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from tests.locked_packages import python_packages

from benchmarks.child_process import ChildFailedError
from benchmarks.figures import Figure, compared, measured
from benchmarks.pages_readings import LATER_PAGE, Reading, one_reading

ROWS = 1_000_000
REPETITIONS = 3
FILLER = "It rained for most of the night and the gauge showed nothing until the morning. " * 9

DATAFRAME = Path(__file__).with_name("dataframe")
VIRTUALENV = Path(__file__).parents[1] / "build" / "dataframe"

OURS, LOOP, LAZY, MEMORY = "evals-mcp", "plain loop", "lazy polars", "polars in memory"
PEERS = (LOOP, LAZY, MEMORY)

UNREADABLE = "not measured: this platform has no /proc"


@dataclass(frozen=True)
class Way:
    """One way to find the pages."""

    command: tuple[str, ...]
    readings: tuple[Reading, ...] = ()
    problem: str = ""
    """Why the way has no readings."""


Ways = dict[str, Way]


@dataclass(frozen=True)
class Quantity:
    """Returns the compared amount of a reading."""

    name: str
    amount: Callable[[Reading], float]
    words: Mapping[str, str]
    """The unit of each way, and what its amount includes."""


FIRST = Quantity(
    f"results: first failing page, {ROWS:,} rows",
    lambda one: one.first,
    {
        OURS: "s with a copy as the download, the index and the count",
        LOOP: "s, json.loads of every line and the count",
        LAZY: "s, one scan for the page and one for the count",
        MEMORY: "s to read the file, filter and count",
    },
)
LATER = Quantity(
    f"results: failing page {LATER_PAGE}, {ROWS:,} rows",
    lambda one: one.later,
    {
        OURS: "ms by cursor, the kept file opened anew",
        LOOP: "ms, json.loads of every line up to there",
        LAZY: "ms, a scan up to there",
        MEMORY: "ms, a filter over the frame",
    },
)
HIGHEST = Quantity(
    f"results: highest private memory, {ROWS:,} rows",
    lambda one: one.highest or 0.0,
    {
        OURS: "MB",
        LOOP: "MB",
        LAZY: "MB without the file that it maps",
        MEMORY: "MB with the frame",
    },
)


def run() -> list[Figure]:
    """Write a million rows of about 1 kB, then read them each way in turn."""
    ways = {OURS: own("pages_index.py"), LOOP: own("pages_loop.py"), **dataframes()}
    with tempfile.TemporaryDirectory(prefix="evals-mcp-benchmark-") as folder:
        rows = Path(folder) / "rows.jsonl"
        write(rows)
        for _ in range(REPETITIONS):
            for name, way in ways.items():
                if not way.problem:
                    ways[name] = again(name, way, rows, ways[OURS].readings)
    return [*first_pages(ways), *later_pages(ways), *memory(ways)]


def own(script: str) -> Way:
    return Way((sys.executable, str(Path(__file__).with_name(script))))


def dataframes() -> Ways:
    """Return the two ways with polars, which is installed the first time."""
    try:
        python = python_packages(VIRTUALENV, DATAFRAME / "packages" / "polars.lock")
    except SystemExit as error:
        return dict.fromkeys((LAZY, MEMORY), Way((), problem=str(error)))
    driver = (str(python), str(DATAFRAME / "polars_pages.py"))
    return {LAZY: Way((*driver, "lazy")), MEMORY: Way((*driver, "memory"))}


def write(path: Path, shift: int = 0) -> None:
    """Write rows of which every 50th is labelled bad, beginning with another one for each shift."""
    with path.open("w", encoding="utf-8") as out:
        for number in range(ROWS):
            label = "bad" if (number + shift) % 50 == 0 else "good"
            row = {
                "id": number,
                "question": f"Question {number}. {FILLER}",
                "answer": f"Answer {number}.",
                "evaluation_successful": True,
                "label": label,
                "feedback": "The answer names the cause and the remedy.",
            }
            out.write(json.dumps(row) + "\n")


def again(name: str, way: Way, rows: Path, ours: tuple[Reading, ...]) -> Way:
    """Return the way with one more reading, or a peer with the reason of its failure."""
    try:
        reading = one_reading(way.command, rows)
    except ChildFailedError as error:
        if name == OURS:
            raise
        return Way(way.command, problem=" ".join(str(error).split())[-200:])
    if ours and reading.found != ours[0].found:
        return Way(way.command, problem="it found other rows")
    return replace(way, readings=(*way.readings, reading))


def first_pages(ways: Ways) -> list[Figure]:
    budgets = {LOOP: 1.5}
    return [ratio(FIRST, ways, OURS, peer, budgets.get(peer)) for peer in PEERS]


def later_pages(ways: Ways) -> list[Figure]:
    taken = [one.later for one in ways[OURS].readings]
    return [
        measured(LATER.name, taken, "ms", "by cursor, the kept file opened anew", 5.0),
        *(ratio(LATER, ways, peer, OURS) for peer in PEERS),
    ]


def memory(ways: Ways) -> list[Figure]:
    pairs = [(one.before, one.highest) for one in ways[OURS].readings]
    grown = [highest - before for before, highest in pairs if before and highest]
    if not grown:
        return [Figure(HIGHEST.name, None, "MB", note=UNREADABLE)]
    return [
        measured(f"{HIGHEST.name}, grown", grown, "MB", "over what the process had before", 50.0),
        *(ratio(HIGHEST, ways, OURS, peer) for peer in PEERS),
    ]


def ratio(
    quantity: Quantity, ways: Ways, way: str, base: str, budget: float | None = None
) -> Figure:
    """Return the ratio of one way to another, pair by pair, with both medians in the note."""
    name = f"{quantity.name}, {way} over {base}"
    if problem := ways[way].problem or ways[base].problem:
        return Figure(name, None, "x", note=problem)
    taken, least = ([quantity.amount(one) for one in ways[each].readings] for each in (way, base))
    notes = [
        f"{median(amounts):.1f} {quantity.words[each]}"
        for each, amounts in ((way, taken), (base, least))
    ]
    return compared(name, taken, least, "; ".join(notes), budget)
