"""What a run tells the forge that runs it: annotations, and the summary of a job."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evals_schemas.repository.results import RunResults

_COMMITS = ("GITHUB_SHA", "CI_COMMIT_SHA")
_COMMIT = 64


@dataclass(frozen=True)
class Forge:
    """The environment variables of the job."""

    environ: Mapping[str, str]

    @property
    def commit(self) -> str | None:
        """The commit that is checked; None if no variable names it."""
        commits = (self.environ.get(name, "") for name in _COMMITS)
        commit = next(filter(None, commits), None)
        return commit[:_COMMIT] if commit and commit.isalnum() else None

    def annotation(self, results: RunResults) -> str | None:
        """Return the line that GitHub shows at the job; None where another forge runs it."""
        if self.environ.get("GITHUB_ACTIONS") != "true":
            return None
        outcome = results.outcome
        if results.gate is not None:
            text = results.gate.sentence
        elif results.error is not None:
            text, outcome = results.error, "could_not_run"
        else:
            text = "; ".join(metric.headline or metric.status for metric in results.metrics)
        level = "notice"
        if outcome == "not_enough_evidence" and not results.exit_code:
            level = "warning"
        elif results.exit_code:
            level = "error"
        return f"::{level} title={_property(f'Evaluation {outcome}')}::{_escaped(text)}"

    def add_summary(self, markdown: str) -> None:
        """Append the summary to the page of the job; a summary that is refused is left out."""
        if path := self.environ.get("GITHUB_STEP_SUMMARY"):
            with suppress(OSError), Path(path).open("a", encoding="utf-8") as out:
                out.write(f"{markdown}\n")


def _escaped(text: str) -> str:
    """Return a text that begins no other workflow command and stays whole."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
