"""What earlier evaluations generated, as far as they are like the one that is planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from evals_mcp.planning.estimates.past_runs import Kind, PastRun, Setup


@dataclass(frozen=True)
class Measured:
    """Generated tokens, by the runs that are most like the planned one."""

    mean: float
    """A row over all of these runs, or a call where it says so."""
    lowest: float
    """Of the run with the fewest."""
    highest: float
    """Of the run with the most."""
    runs: int
    """How many, 1 or more."""
    same: bool
    """Whether they asked the same: else their models are the same, and what they were asked is
    not."""
    same_rubric: bool
    """Whether the judge's template was the same in all of them."""

    def per(self, calls: int) -> Measured:
        """Of one call, from so many calls a row."""
        return Measured(
            self.mean / calls,
            self.lowest / calls,
            self.highest / calls,
            self.runs,
            self.same,
            self.same_rubric,
        )

    @property
    def counted(self) -> str:
        """The number of runs in words."""
        return f"{self.runs} earlier run{'' if self.runs == 1 else 's'}"


@dataclass(frozen=True)
class History:
    """The planned evaluation beside those that have run."""

    kind: Kind
    setup: Setup
    runs: Iterable[PastRun]
    """Of every kind, the newest first."""

    def rows(self, calls: Mapping[str, int]) -> Measured | None:
        """A row of runs with the same models; None where none tells.

        Args:
            calls: calls a row by role; what a rule is given makes no answer longer.
        """

        def asks_the_same(setup: Setup) -> bool:
            return setup.models == self.setup.models and (
                not calls["judge"] or setup.judge == self.setup.judge
            )

        return self._measured(self.kind, asks_the_same)

    def verdict(self, calls: Mapping[str, int]) -> Measured | None:
        """A judge's call, from runs in which nobody but the judge wrote anything."""
        found = self._measured(self.kind.judge_alone, lambda setup: setup.judge == self.setup.judge)
        return found.per(calls["judge"]) if found and calls["judge"] else None

    def _measured(self, kind: Kind, is_same: Callable[[Setup], bool]) -> Measured | None:
        told = [run for run in self.runs if run.kind == kind and run.output_tokens]
        same = [run for run in told if is_same(run.setup)]
        used = same or told
        if not used:
            return None
        each = [(run.output_tokens or 0) / run.rows for run in used]
        return Measured(
            sum(run.output_tokens or 0 for run in used) / sum(run.rows for run in used),
            min(each),
            max(each),
            len(used),
            bool(same),
            all(run.setup.judge[:1] == self.setup.judge[:1] for run in used),
        )
