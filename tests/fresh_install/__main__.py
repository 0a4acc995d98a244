"""Installs the wheel with every allowed Python of this machine, and tries the installed command.

Every Python gets two empty environments, one with the newest allowed version of every dependency
and one with the oldest. They are in a folder that is removed at the end; the packages come from
their registry.
"""

from __future__ import annotations

import sys
import tempfile
import time
import tomllib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from tests.fresh_install.commands import StepFailedError
from tests.fresh_install.installs import Choice, Install, lower_bounds
from tests.fresh_install.proofs import ROOT, prove
from tests.fresh_install.pythons import find_pythons
from tests.fresh_install.uv import Uv
from tests.wheel import build

PYPROJECT = ROOT / "pyproject.toml"
AT_ONCE = 2
"""Number of installs at the same time; each waits for half of its time."""
SHOWN = ("mcp", "pydantic", "httpx2", "starlette", "aiohttp")
LINE = "{:8} {:7}" + " {:>10}" * len(SHOWN) + " {:>8}  {}"


@dataclass
class Outcome:
    """The result of one install."""

    install: Install
    versions: dict[str, str] = field(default_factory=dict[str, str])
    """Versions of all installed packages by name; empty if the install failed."""
    failure: StepFailedError | None = None
    seconds: float = 0.0

    def row(self) -> str:
        """Return a line of the table."""
        return LINE.format(
            self.install.python.version,
            self.install.choice,
            *(self.versions.get(name, "-") for name in SHOWN),
            f"{self.seconds:.1f}",
            f"FAILED at {self.failure.step}" if self.failure else "ok",
        )


def main() -> int:
    """Try all installs; return 0 if every install worked, else 1."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    print(LINE.format("Python", "", *SHOWN, "seconds", ""), flush=True)
    prefix = "evals-mcp-fresh-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        outcomes: list[Outcome] = []
        for outcome in tried(Path(folder), project["requires-python"], project["version"]):
            outcomes.append(outcome)
            print(outcome.row(), flush=True)
    for outcome in outcomes:
        if outcome.failure:
            python = outcome.install.python
            print(f"\n{outcome.install.choice} on {python.path}: {outcome.failure}")
    for line in unreached(outcomes):
        print(line)
    worked = [outcome for outcome in outcomes if not outcome.failure]
    print(f"{len(worked)} of {len(outcomes)} installs worked")
    return int(len(worked) < len(outcomes) or not outcomes)


def tried(folder: Path, allowed: str, version: str) -> Iterator[Outcome]:
    """Yield the result of each install as it ends."""
    wheel, uv = build(folder), Uv(folder / "uv")
    installs = [
        Install(python, choice, folder / f"{number}-{choice}")
        for number, python in enumerate(find_pythons(uv, allowed))
        for choice in get_args(Choice)
    ]
    with workers() as pool:
        started = [pool.submit(attempt, install, wheel, uv, version) for install in installs]
        for done in as_completed(started):
            yield done.result()


@contextmanager
def workers() -> Generator[ThreadPoolExecutor]:
    """Yield a pool of a few threads; an interrupted run starts nothing more."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def attempt(install: Install, wheel: Path, uv: Uv, version: str) -> Outcome:
    """Create one environment and try it."""
    outcome, started = Outcome(install), time.monotonic()
    try:
        install.make(wheel, uv)
        outcome.versions = install.versions()
        prove(install, version)
    except StepFailedError as error:
        outcome.failure = error
    outcome.seconds = time.monotonic() - started
    return outcome


def unreached(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the lower bounds that no oldest install reached, because another package needs more."""
    oldest = [outcome.versions for outcome in outcomes if outcome.install.choice == "oldest"]
    for name, bound in lower_bounds(PYPROJECT).items():
        taken = {versions[name] for versions in oldest if name in versions}
        if taken and bound not in {version.removesuffix(".0") for version in taken} | taken:
            yield f"{name}>={bound} was not tested, only {', '.join(sorted(taken))}"


if __name__ == "__main__":
    sys.exit(main())
