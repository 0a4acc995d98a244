"""`evals-mcp run` and `evals-mcp gate`: a file of a repository, for a terminal and for a forge."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from evals_mcp.commands.session import as_running_user
from evals_mcp.errors import EvalsMCPError, OperatorError
from evals_mcp.repository_runs.consent import ConsentInFile
from evals_mcp.repository_runs.continuing.continued_run import ContinuedRun
from evals_mcp.repository_runs.continuing.stopped_run import stopped_run
from evals_mcp.repository_runs.file import RepositoryFile, check_data, read_file
from evals_mcp.repository_runs.forge import Forge
from evals_mcp.repository_runs.gates.gate import Gate
from evals_mcp.repository_runs.gates.stopping.stopping_gate import StoppingGate
from evals_mcp.repository_runs.junit import junit_xml, suites_of
from evals_mcp.repository_runs.outputs import JUNIT, RESULTS, SUMMARY, ResultFolder, results_file
from evals_mcp.repository_runs.progress import Progress
from evals_mcp.repository_runs.run import Run, RunOptions, failed_results
from evals_mcp.repository_runs.slices.sliced_run import SlicedRun, sliced
from evals_mcp.repository_runs.summary_text import closing_lines, markdown, table
from evals_mcp.tools.calls.bugs import log_bug

if TYPE_CHECKING:
    from evals_mcp.repository_runs.rows import RunRow
    from evals_mcp.settings.schema import Settings
    from evals_mcp.tools.calls.session import ToolSession
    from evals_schemas.repository.results import RunResults

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


@dataclass
class RunCommand:
    """One call of either command."""

    settings: Settings
    options: RunOptions
    environ: Mapping[str, str]
    baseline: str | None = None
    """What `gate` compares with; None for `run`."""
    stream: TextIO = field(default_factory=lambda: sys.stdout)

    def __post_init__(self) -> None:
        self._forge = Forge(self.environ)
        self._progress = Progress(self.stream, time.monotonic, self.stream.isatty())
        self._folder = ResultFolder(self.options.out)
        self._started = datetime.now(UTC)
        self._rows: Mapping[str, list[RunRow]] = {}

    def run(self) -> int:
        """Run the file, write its results, and return the exit code."""
        import anyio  # noqa: PLC0415 - once a file is run

        try:
            file = read_file(self.options.path)
            check_data(file, settings_of(self.settings, file).datasets.allowed_folders)
            if not self.options.dry_run:
                self._folder.check(results_file(self.baseline) if self.baseline else None)
            results = anyio.run(self._with_session, file)
        except KeyboardInterrupt:
            self._progress.say(_AFTER_INTERRUPT)
            return INTERRUPTED
        except EvalsMCPError as error:
            return self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - a crash would exit with 1, as a regression does
            bug = log_bug(error)
            return self._failed(
                f"a mistake in evals-mcp, see {bug} in its log. Nothing was decided."
            )
        if results is None:
            return 0
        self._finish(results)
        return results.exit_code

    async def _with_session(self, file: RepositoryFile) -> RunResults | None:
        async def work(session: ToolSession) -> RunResults | None:
            run = Run(
                file,
                session,
                self._progress,
                self._folder,
                self._forge,
                self.options,
                self._started,
            )
            way = await self._way(run)
            results = await way.results()
            self._rows = run.rows
            return results

        settings = settings_of(self.settings, file)
        return await as_running_user(settings, self._progress.report, ConsentInFile(), work)

    async def _way(self, run: Run) -> Gate | StoppingGate | SlicedRun | ContinuedRun | Run:
        """Return how the file is run: at once or in parts, alone or beside a baseline."""
        if self.baseline:
            return (StoppingGate if run.stops_early else Gate)(run, self.baseline)
        if self.options.continues is None:
            return sliced(run) or run
        stopped = await stopped_run(self.options.continues or str(self.options.out), run.session)
        return sliced(run, stopped) or ContinuedRun(run, stopped)

    def _failed(self, error: str) -> int:
        """Say why it could not run, also in the files that a forge reads.

        The results that were to be continued stay: they name the evaluation to go on with.
        """
        ended = datetime.now(UTC)
        results = failed_results(error, self.options, self._forge, self._started, ended)
        if self.options.dry_run or self.options.continues is not None:
            self._progress.say(results.error or "")
            return results.exit_code
        with suppress(OperatorError):
            self._folder.check(results_file(self.baseline) if self.baseline else None)
            self._folder.clear()
            self._write(results)
        self._say(results)
        return results.exit_code

    def _finish(self, results: RunResults) -> None:
        self._write(results)
        self._say(results)
        self._progress.say(f"Results: {self._folder.path}")

    def _write(self, results: RunResults) -> None:
        summary = markdown(results)
        seconds = (datetime.now(UTC) - self._started).total_seconds()
        suites = suites_of(results, self._rows)
        self._folder.write(JUNIT, junit_xml(suites, self._started, seconds))
        self._folder.write(SUMMARY, summary)
        self._folder.write_results(results)

    def _say(self, results: RunResults) -> None:
        for line in [*table(results), *closing_lines(results)]:
            self._progress.say(line)
        if annotation := self._forge.annotation(results):
            self._progress.command(annotation)
        self._forge.add_summary(markdown(results))


def settings_of(settings: Settings, file: RepositoryFile) -> Settings:
    """Return the settings with the folder of the file allowed, and with its limit."""
    folders = (*settings.datasets.allowed_folders, file.path.resolve().parent)
    datasets = settings.datasets.model_copy(update={"allowed_folders": folders})
    limits = [
        limit for limit in (settings.budget.max_usd, file.content.max_usd) if limit is not None
    ]
    budget = settings.budget.model_copy(update={"max_usd": min(limits, default=None)})
    return settings.model_copy(update={"datasets": datasets, "budget": budget})


def default_folder(path: Path, command: str) -> Path:
    """Return the folder of a command's results if none is named: beside the file."""
    return path.parent / ("gate-results" if command == "gate" else "evals-results")


_AFTER_INTERRUPT = (
    "Interrupted. What was started goes on: at a service by itself, with the engine of this "
    "machine as soon as this command or an evals-mcp server runs again. The same command joins it "
    f"and writes {RESULTS}; cancel_evaluation or `evals-mcp view` ends it."
)
