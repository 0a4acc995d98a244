"""arize-phoenix-evals: its classifier, which asks for a JSON schema, over a data frame.

It checks once a second whether its queue of three rows a worker is still full, and whether the run
has ended. With few workers, most of its wall time is this waiting.
"""

from __future__ import annotations

import asyncio

import pandas as pd
from measured import main
from phoenix.evals import LLM, ClassificationEvaluator, async_evaluate_dataframe

MODEL = "gpt-fixed"
"""With other names, the role `system` becomes `developer`, which is a different prompt."""

UNLIMITED = 1e6
"""Requests a second; the default starts with 5, which would decide the result."""

MESSAGES = [
    {"role": "system", "content": "{{{system}}}"},
    {"role": "user", "content": "{{{user}}}"},
]


def judge(base_url: str, rows: list[list[dict[str, str]]], workers: int) -> int:
    return asyncio.run(judged(base_url, rows, workers))


async def judged(base_url: str, rows: list[list[dict[str, str]]], workers: int) -> int:
    model = LLM(
        provider="openai",
        model=MODEL,
        base_url=base_url,
        api_key="none",
        initial_per_second_request_rate=UNLIMITED,
    )
    quality = ClassificationEvaluator(
        name="quality",
        llm=model,
        prompt_template=MESSAGES,
        choices=["good", "bad"],
        include_explanation=False,
    )
    texts = [{message["role"]: message["content"] for message in row} for row in rows]
    found = await async_evaluate_dataframe(
        pd.DataFrame(texts), [quality], concurrency=workers, hide_tqdm_bar=True
    )
    scores = found["quality_score"]
    return sum(score is not None and score["label"] == "good" for score in scores)


main(judge)
