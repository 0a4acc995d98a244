"""The folder of the results: what is in it, and that nothing else is overwritten."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from evals_mcp.errors import OperatorError
from evals_mcp.exchange.new_files import manifest_path
from evals_schemas.repository.results import FORM, MetricFiles, RunResults

RESULTS, JUNIT, SUMMARY = "results.json", "junit.xml", "summary.md"

_STEM = 60
_UNSAFE = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class ResultFolder:
    """A folder that holds the results of one run, and before it those of an earlier one."""

    path: Path

    def check(self, baseline: Path | None = None) -> None:
        """Refuse a folder with other files, before anything is spent.

        Args:
            baseline: the results to compare with, which must stay.

        Raises:
            OperatorError: the folder holds something else, or cannot be used.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            entries = {entry.name for entry in self.path.iterdir()}
        except OSError as error:
            raise OperatorError(
                f"--out: {self.path} cannot be used as a folder ({error.strerror or error})."
            ) from None
        if baseline is not None and baseline.resolve().is_relative_to(self.path.resolve()):
            raise OperatorError(
                f"--out: {self.path} holds the baseline, which this run would replace: name "
                "another folder."
            )
        if entries and not self._holds_results():
            raise OperatorError(
                f"--out: {self.path} holds other files, and none is overwritten: name a new folder."
            )

    def clear(self) -> None:
        """Remove the files of an earlier run."""
        if not self._holds_results():
            return
        for name in [*_names(read_results(self.path / RESULTS)), JUNIT, SUMMARY, RESULTS]:
            (self.path / name).unlink(missing_ok=True)

    def file(self, name: str) -> Path:
        """Return the path of a file."""
        return self.path / name

    def write(self, name: str, text: str) -> Path:
        """Write a text file.

        Raises:
            OperatorError: the folder does not take it.
        """
        path = self.path / name
        try:
            path.write_text(text, encoding="utf-8", errors="replace")
        except OSError as error:
            raise OperatorError(
                f"--out: {path} cannot be written ({error.strerror or error}): free space, or name "
                "another folder."
            ) from None
        return path

    def write_results(self, results: RunResults) -> Path:
        """Write the results as JSON, last: they make the folder one of results."""
        return self.write(RESULTS, results.model_dump_json(indent=2) + "\n")

    def _holds_results(self) -> bool:
        try:
            read_results(self.path / RESULTS)
        except (OSError, ValueError):
            return False
        return True


def results_file(text: str) -> Path | None:
    """Return the file that an option names; None if it names evaluations."""
    path = Path(text)
    if path.is_dir():
        return path / RESULTS
    if path.exists() or path.suffix == ".json" or len(path.parts) > 1:
        return path
    return None


def read_results(path: Path) -> RunResults:
    """Return the results in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not such a file.
    """
    content: object = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or cast("dict[str, object]", content).get("form") != FORM:
        raise ValueError("not a file of results")
    return RunResults.model_validate(content)


def files_of(name: str, taken: Iterable[str] = ()) -> MetricFiles:
    """Return the file names of a metric, other than those of the other metrics."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = _UNSAFE.sub("-", folded).strip("-")[:_STEM] or "metric"
    used, number, free = set(taken), 1, stem
    while f"{free}.jsonl" in used:
        number += 1
        free = f"{stem}-{number}"
    rows = f"{free}.jsonl"
    return MetricFiles(rows=rows, manifest=manifest_path(Path(rows)).name, report=f"{free}.html")


def _names(results: RunResults) -> list[str]:
    """Return the names of the files of an earlier run that lie in its folder itself."""
    names = [
        name
        for metric in results.metrics
        for name in (metric.files.rows, metric.files.manifest, metric.files.report)
        if name
    ]
    return [name for name in names if Path(name).name == name]
