"""What the first row becomes, for whoever is to agree to the plan."""

from __future__ import annotations

from collections.abc import Iterable

from evals_mcp.cleaning import clean
from evals_mcp.planning.checks.rendered_sample import Rendered
from evals_mcp.token_estimate import estimate_tokens
from evals_schemas.tools.plans import RenderedTemplate

_CHARACTERS = 300
_TOKENS = 90
"""Of one text; scripts that take more tokens a character show fewer characters."""


def first_row(texts: Iterable[Rendered]) -> list[RenderedTemplate]:
    """The first row through each template, and the answer that the judge will be shown."""
    return [
        RenderedTemplate(template=text.name, text=_shown(text.first))
        for text in texts
        if text.first is not None
    ]


def _shown(text: str) -> str:
    length = _CHARACTERS
    shown = clean(text, length)
    while length > 20 and estimate_tokens(shown) > _TOKENS:
        length = length * 3 // 4
        shown = clean(text, length)
    return shown
