"""autoevals: its classifier, which forces a tool call, in a loop of as many tasks as workers."""

from __future__ import annotations

import asyncio

from autoevals.llm import OpenAILLMClassifier, build_classification_tools
from measured import main
from openai import AsyncOpenAI

MESSAGES = [
    {"role": "system", "content": "{{{system}}}"},
    {"role": "user", "content": "{{{user}}}"},
]


def judge(base_url: str, rows: list[list[dict[str, str]]], workers: int) -> int:
    return asyncio.run(judged(base_url, rows, workers))


async def judged(base_url: str, rows: list[list[dict[str, str]]], workers: int) -> int:
    remaining, good = iter(rows), 0
    async with AsyncOpenAI(base_url=base_url, api_key="none") as client:
        classifier = OpenAILLMClassifier(
            "quality",
            MESSAGES,
            "fixed",
            choice_scores={"good": 1, "bad": 0},
            classification_tools=build_classification_tools(False, ["good", "bad"]),
            client=client,
        )

        async def worker() -> None:
            nonlocal good
            for row in remaining:
                texts = {message["role"]: message["content"] for message in row}
                score = await classifier.eval_async(output="", **texts)
                good += score.score == 1

        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
    return good


main(judge)
