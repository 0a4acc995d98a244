"""inspect_ai: a task whose solver asks the judge and whose scorer reads the label."""

from __future__ import annotations

import json
import tempfile

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, get_model
from inspect_ai.scorer import Score, Target, accuracy, scorer
from inspect_ai.solver import TaskState, generate
from measured import main


@scorer(metrics=[accuracy()])
def label():
    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        return Score(value=json.loads(state.output.completion)["label"] == "good")

    return score


def judge(base_url: str, rows: list[list[dict[str, str]]], workers: int) -> int:
    samples = [
        Sample(
            input=[
                ChatMessageSystem(content=system["content"]),
                ChatMessageUser(content=user["content"]),
            ]
        )
        for system, user in rows
    ]
    model = get_model("openai-api/bench/fixed", base_url=base_url, api_key="none", memoize=False)
    with tempfile.TemporaryDirectory() as logs:
        (log,) = evaluate(
            Task(dataset=samples, solver=generate(), scorer=label()),
            model=model,
            max_connections=workers,
            max_samples=workers,
            display="none",
            log_dir=logs,
        )
        return sum(sample.scores["label"].value in (True, 1, "C") for sample in log.samples)


main(judge)
