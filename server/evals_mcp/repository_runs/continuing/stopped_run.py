"""The run that is continued: what its results file or its evaluation says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.exports.manifest import without_secrets
from evals_mcp.repository_runs.metrics import Metric, identity_of
from evals_mcp.repository_runs.outputs import read_results, results_file
from evals_mcp.results.sequential import sequential_of
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.repository.results import Identity
from evals_schemas.sequential.record import EarlierDecision, Sequential
from evals_schemas.sequential.stop_when import STOP_WHEN, StopWhen

_ANEW = "Run the file without --continue to judge all rows."


@dataclass(frozen=True)
class StoppedRun:
    """A run that stopped before its last row."""

    evaluation_ids: tuple[str, ...]
    identity: Identity
    rules: Mapping[str, Any]
    """Its `stop_when`."""
    record: Sequential

    def further_rules(self, rules: StopWhen | None) -> StopWhen | None:
        """Return the rules of the file if they are others than those that it stopped by.

        None judges all rows.
        """
        if rules is None:
            return None
        fields = rules.model_dump(exclude_none=True, exclude_defaults=True)
        before = {name: value for name, value in self.rules.items() if name in _FIELDS and value}
        return None if fields == before else rules

    def check(self, metric: Metric) -> None:
        """Refuse a file whose verdicts would not be those of the same sequence.

        Raises:
            InvalidRequestError: the judge, the rubric or a model is another one.
        """
        now, before = metric.identity, self.identity
        if (now.judge, now.rubric, now.candidate) != (
            before.judge,
            before.rubric,
            before.candidate,
        ):
            raise InvalidRequestError(
                "--continue: the file has another judge, rubric or model than the run that "
                f"stopped, and the verdicts of both are no one sequence. {_ANEW}"
            )

    def earlier(self) -> list[EarlierDecision]:
        """Return what it had decided, after what it had continued itself."""
        record = self.record
        latest = EarlierDecision(
            evaluation_id=self.evaluation_ids[-1],
            decision=record.decision,
            decided_at_row=record.decided_at_row,
            e=record.e,
            interval=record.interval,
            rows_judged=record.rows_counted + record.rows_failed + record.rows_after_decision,
        )
        return [*(record.earlier or ()), latest]


_FIELDS = frozenset(StopWhen.model_fields)


async def stopped_run(text: str, session: ToolSession) -> StoppedRun:
    """Return the run that an option names.

    Args:
        text: a file `results.json`, its folder, or the id of an evaluation.
        session: the collaborators of the tools.

    Raises:
        InvalidRequestError: it did not stop early, or is no such run.
        EvalsMCPError: the evaluation does not exist, or cannot be read.
    """
    path = results_file(text)
    return await _of_evaluation(text, session) if path is None else _of_file(path)


def _of_file(path: Path) -> StoppedRun:
    try:
        results = read_results(path)
    except OSError as error:
        raise InvalidRequestError(
            f"--continue: {path} cannot be read ({error.strerror or error}). Name the results.json "
            f"of the run that stopped, its folder, or the id of its evaluation. {_ANEW}"
        ) from None
    except ValueError:
        raise InvalidRequestError(
            f"--continue: {path} is not a results.json of `evals-mcp run`. {_ANEW}"
        ) from None
    if len(results.metrics) != 1 or results.metrics[0].sequential is None:
        raise InvalidRequestError(
            f"--continue: {path} is not of a run with `stop_when`, so nothing stopped early. "
            f"{_ANEW}"
        )
    (line,) = results.metrics
    record = Sequential.model_validate(line.sequential)
    rules = cast("Mapping[str, Any]", line.parameters.get(STOP_WHEN) or {})
    return _checked(StoppedRun(tuple(line.evaluation_ids), line.identity, rules, record), str(path))


async def _of_evaluation(text: str, session: ToolSession) -> StoppedRun:
    complete = await session.evaluation_id(text, "--continue")
    job = await session.evaluation(complete)
    record = sequential_of(job.results)
    if record is None:
        raise InvalidRequestError(
            f"--continue: {complete} has no `stop_when` or has not ended, so nothing stopped early."
        )
    parameters = cast("dict[str, Any]", without_secrets(job.parameters))
    service = session.provider.service_of(complete).name
    rules = cast("Mapping[str, Any]", parameters.get(STOP_WHEN) or {})
    identity = identity_of(job.type or "", parameters, service)
    return _checked(StoppedRun((complete,), identity, rules, record), complete)


def _checked(run: StoppedRun, name: str) -> StoppedRun:
    if not run.record.rows_not_judged:
        raise InvalidRequestError(
            f"--continue: all rows of {quoted(name, 200)} are judged; there is nothing to go on "
            "with."
        )
    return run
