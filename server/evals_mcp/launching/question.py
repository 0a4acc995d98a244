"""The question to the user: what would start, what it may cost, and why the user is asked."""

from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.cleaning import clean, quoted
from evals_mcp.launching.launch import Launch
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest

_LONGEST = 1_200
_REASON = 300


def question(launch: Launch, reasons: Sequence[str]) -> str:
    """Return one short paragraph for the user."""
    rows = launch.plan.rows
    of = "" if rows is None else f"{rows:,} row{'' if rows == 1 else 's'}, "
    start = (
        f"Start a {launch.request.type} evaluation on {launch.service}? {_subject(launch)}; "
        f"{of}{launch.estimate}."
    )
    sentences = " ".join(clean(reason, _REASON) for reason in reasons)
    return clean(f"{start} {sentences}", _LONGEST)


def _subject(launch: Launch) -> str:
    request = launch.request
    if isinstance(request, BenchmarkRequest):
        second = f" and {quoted(request.model_id_2, 80)}" if request.model_id_2 else ""
        on = quoted(request.benchmark_id, 80)
        return f"Model {quoted(request.model_id, 80)}{second} on benchmark {on}"
    parameters = request.parameters
    on = quoted(parameters.input_data_file_path, 80)
    return f"Judge {quoted(parameters.judge.model, 80)} on data set {on}"
