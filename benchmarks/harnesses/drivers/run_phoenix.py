"""arize-phoenix-evals: its classifier, which asks for a JSON schema, over a data frame.

It looks once a second whether a full queue of three rows a worker has room again, and waits as long
for the end: with few workers that is most of its wall.
"""

from __future__ import annotations

import asyncio

import pandas as pd
from measured import main
from phoenix.evals import LLM, ClassificationEvaluator, async_evaluate_dataframe

MODEL = "gpt-fixed"
"""Any other name would turn the role `system` into `developer`, which is another prompt."""

UNLIMITED = 1e6
"""Requests a second; by default it begins with 5, which is what would be measured."""

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
