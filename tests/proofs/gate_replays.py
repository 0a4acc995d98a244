"""How often a gate is red without a change, and with a loss that was planted.

python -m tests.proofs.gate_replays [replays] [replays of the whole command]
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import anyio
from anyio import to_thread

from evals_mcp.gate.decision import Measured, decide
from evals_mcp.gate.pairs import Pairs
from evals_mcp.results.statistics.estimate import UNIT
from evals_schemas.repository.evals_file import GateRules
from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict

REPLAYS = 1_000
COMMANDS = 20
ROWS = 300
FLIPS = 0.1
"""Share of rows whose verdict changes between two runs of an unchanged candidate."""
MARGIN = 5.0
LOSS = 0.1
PASS_RATE = 0.8

MOST_RED = 16 / 1_000
"""Of replays without a change: the chance is 1 %, and of 1,000 replays 6 more may be red."""
LEAST_RED = 950 / 1_000
"""Of replays with the planted loss."""


@dataclass(frozen=True)
class Cell:
    """One situation: what is planted, and the outcomes of its replays."""

    name: str
    better: float
    """Share of rows that become better."""
    worse: float
    outcomes: Counter[str] = field(default_factory=Counter[str])

    def share(self, outcome: str) -> float:
        return self.outcomes[outcome] / max(1, self.outcomes.total())


def cells() -> list[Cell]:
    """Return the situations; of each, `FLIPS` of the rows change by chance alone or in all."""
    half = FLIPS / 2
    return [
        Cell("no change", half, half),
        Cell("a loss of 5 points, 10 % of the rows change", half - 0.025, half + 0.025),
        Cell("a loss of 10 points, 10 % of the rows change", 0.0, FLIPS),
        Cell("a loss of 10 points besides 10 % by chance", half, half + LOSS),
    ]


def replayed(cell: Cell, replays: int, seed: int = 2026) -> Cell:
    """Decide replays of one situation by the gate's own decision."""
    numbers = random.Random(f"{seed} {cell.name}")
    for _ in range(replays):
        report = decide([_measured(cell, numbers)], GateRules(margin=MARGIN))
        cell.outcomes[report.outcome] += 1
    return cell


def _measured(cell: Cell, numbers: random.Random) -> Measured:
    baseline: list[float] = []
    candidate: list[float] = []
    for _ in range(ROWS):
        draw = numbers.random()
        if draw < cell.better:
            before, after = 0.0, 1.0
        elif draw < cell.better + cell.worse:
            before, after = 1.0, 0.0
        else:
            before = after = float(numbers.random() < PASS_RATE)
        baseline.append(before)
        candidate.append(after)
    return Measured("quality", Pairs("pass_rate", UNIT, baseline, candidate), MARGIN)


FILE = """data = "answers.jsonl"
type = "classify"
labels = ["right", "wrong"]
pass_labels = ["right"]
response_column = "answer"

[judge]
model = "scripted"
system_template = "Is it right? {{question}}"
num_workers = 32

[gate]
margin = 5
"""


@dataclass
class NoisyJudge:
    """A judge that changes its mind about some rows with each run."""

    run: int = 0

    def reply(self, request: ChatRequest) -> Reply:
        text = json.dumps(request.body["messages"])
        is_right = "No idea" not in text
        noise = blake2b(f"{self.run} {text}".encode(), digest_size=8).digest()
        # Two runs differ in 2 e (1 - e) of the rows.
        changes = int.from_bytes(noise) / 2**64 < 0.0528
        return verdict(feedback="", label="right" if is_right != changes else "wrong")


async def through_the_command(replays: int) -> Iterator[tuple[str, int, int]]:
    """Return kind, exit code and calls of each replay of the whole command."""
    judge, done = NoisyJudge(), list[tuple[str, int, int]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "evals.toml").write_text(FILE)
        async with ModelServer(judge.reply) as server:
            _write(folder, lost=0)
            code = await to_thread.run_sync(_evals, folder, server.base_url, "run", "--again")
            assert code == 0
            for replay in range(1, replays + 1):
                judge.run = replay
                for kind, lost, more in (
                    ("unchanged", 0, ()),
                    ("no change, judged anew", 0, ("--again",)),
                    ("planted", int(LOSS * ROWS), ("--again",)),
                ):
                    _write(folder, lost)
                    server.requests.clear()
                    code = await to_thread.run_sync(
                        _evals,
                        folder,
                        server.base_url,
                        "gate",
                        *more,
                        "--baseline",
                        "evals-results",
                    )
                    done.append((kind, code, len(server.requests)))
    return iter(done)


def _write(folder: Path, lost: int) -> None:
    right = [number for number in range(ROWS) if number % 5 != 4][lost:]
    rows = [
        {
            "question": f"What is {number} + {number}?",
            "answer": f"It is {2 * number}." if number in right else "No idea.",
        }
        for number in range(ROWS)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "answers.jsonl").write_text(text)


def _evals(folder: Path, base_url: str, command: str, *arguments: str) -> int:
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    variables = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "home"),
        "EVALS_MCP_SERVER__PROVIDER": "local",
        "EVALS_MCP_LOCAL__MODELS__BASE_URL": base_url,
    }
    return subprocess.run(
        [sys.executable, "-m", "evals_mcp.cli", command, "evals.toml", *arguments],
        cwd=folder,
        env=own | variables,
        capture_output=True,
        timeout=600,
        check=False,
    ).returncode


def main(replays: int, commands: int) -> int:
    """Print the shares of outcomes; return 1 if a promise is broken."""
    print(f"{ROWS} rows, margin {MARGIN:g} points, {replays:,} replays each")
    print("| situation | passed | not enough evidence | regressed |\n|---|---|---|---|")
    decided = [replayed(cell, replays) for cell in cells()]
    for cell in decided:
        shares = (cell.share(each) for each in ("passed", "not_enough_evidence", "regressed"))
        print(f"| {cell.name} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |")
    broken = decided[0].share("regressed") > MOST_RED or decided[2].share("regressed") < LEAST_RED
    codes: dict[str, Counter[int]] = {}
    for kind, code, calls in anyio.run(through_the_command, commands):
        codes.setdefault(kind, Counter())[code] += 1
        broken |= kind == "unchanged" and (code, calls) != (0, 0)
    for kind, counts in codes.items():
        listed = ", ".join(f"{code}: {count}" for code, count in sorted(counts.items()))
        print(f"the whole command, {kind}: exit code {listed}")
    if broken:
        print("a promise is broken")
    return int(broken)


if __name__ == "__main__":
    chosen = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(chosen + [REPLAYS, COMMANDS][len(chosen) :])))
