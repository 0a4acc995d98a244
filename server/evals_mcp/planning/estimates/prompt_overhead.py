"""The tokens that a service sends besides the rendered templates.

The figures are the embedded engine's; a test compares them with its requests. Other services do not
publish the instruction that they add, so its length is assumed to be the same.
"""

from __future__ import annotations

from evals_mcp.token_estimate import estimate_tokens
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    ClassifyParameters,
    CompareParameters,
)

MESSAGE_TOKENS = 4
"""Tokens of a chat message besides its text: its role and its delimiters."""

CALL_TOKENS = 3
"""Tokens of a call besides its messages: the beginning of the answer."""

_INSTRUCTION = {"classify": 96, "score": 102, "compare": 119}
"""Tokens of the instruction to answer with JSON and of its schema, without labels, by type."""

_MATERIAL = {0: 6, 1: 29, 2: 40}
"""Tokens of the words around the judged answers, by the number of answers."""

_PROMPT = 7
"""Tokens of the delimiters around the candidate's prompt."""

GRADING_TOKENS = 81
"""Tokens of the rubric for a benchmark's judge, without the expected answer."""


def judge_tokens(parameters: AnyParameters, answers: int, has_prompt: bool) -> float:
    """Return the tokens of one judge call besides the rubric, the answers and the prompt."""
    fixed = CALL_TOKENS + 2 * MESSAGE_TOKENS + _MATERIAL[answers] + has_prompt * _PROMPT
    return fixed + _verdict_tokens(parameters)


def _verdict_tokens(parameters: AnyParameters) -> float:
    if isinstance(parameters, ClassifyParameters):
        # Each label is in the instruction and in the schema.
        labels = sum(2 * estimate_tokens(label) + 2 for label in parameters.labels)
        return _INSTRUCTION["classify"] + labels
    return _INSTRUCTION["compare" if isinstance(parameters, CompareParameters) else "score"]
