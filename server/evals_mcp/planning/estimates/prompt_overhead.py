"""The tokens that a service sends besides the rendered templates.

The figures are the embedded engine's; a test compares them with its requests. Other services do not
publish the instruction that they add, so its length is assumed to be the same.
"""

from __future__ import annotations

from evals_mcp.results.types.table import type_spec
from evals_mcp.token_estimate import estimate_tokens
from evals_schemas.evaluation_api.evaluations import AnyParameters
from evals_schemas.type_models import type_of_parameters

MESSAGE_TOKENS = 4
"""Tokens of a chat message besides its text: its role and its delimiters."""

CALL_TOKENS = 3
"""Tokens of a call besides its messages: the beginning of the answer."""

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
    labels: list[str] = getattr(parameters, "labels", [])
    # Each label is in the instruction and in the schema.
    of_labels = sum(2 * estimate_tokens(label) + 2 for label in labels)
    return type_spec(type_of_parameters(parameters)).instruction_tokens + of_labels
