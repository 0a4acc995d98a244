"""What a service sends besides the rendered templates, in tokens.

The figures are the embedded engine's; a test compares them with its real requests. Other services
keep their own instruction to themselves, which is taken to be as long.
"""

from __future__ import annotations

from evals_mcp.token_estimate import estimate_tokens
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    ClassifyParameters,
    CompareParameters,
)

MESSAGE_TOKENS = 4
"""A chat message besides its text: its role and its marks."""

CALL_TOKENS = 3
"""A call besides its messages: the beginning of the answer."""

_INSTRUCTION = {"classify": 96, "score": 102, "compare": 119}
"""The instruction to answer with JSON and the schema that goes with it, without labels."""

_MATERIAL = {0: 6, 1: 29, 2: 40}
"""The words around so many answers that are judged."""

_PROMPT = 7
"""The marks around the prompt that was answered."""


GRADING_TOKENS = 81
"""The rubric of a benchmark's judge, without the expected answer."""


def judge_tokens(parameters: AnyParameters, answers: int, has_prompt: bool) -> float:
    """What one judge call costs besides the rubric, the answers and the prompt."""
    fixed = CALL_TOKENS + 2 * MESSAGE_TOKENS + _MATERIAL[answers] + has_prompt * _PROMPT
    return fixed + _verdict_tokens(parameters)


def _verdict_tokens(parameters: AnyParameters) -> float:
    if isinstance(parameters, ClassifyParameters):
        # Each label stands in the instruction and in the schema.
        labels = sum(2 * estimate_tokens(label) + 2 for label in parameters.labels)
        return _INSTRUCTION["classify"] + labels
    return _INSTRUCTION["compare" if isinstance(parameters, CompareParameters) else "score"]
