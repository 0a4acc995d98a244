"""Rule judges: their names, and the verdict that follows from an agreement.

The judge's rendered `system_template` is the expected text. A rule computes how far the answer
agrees with it, from 0 to 1, and that agreement becomes a label, a score or a choice. The text of a
verdict is the JSON that a model would write.

A new rule is a name in `evals_schemas.evaluation_api.rules`, a line of `RULES` here and its
computation in `rule_computations`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from evals_engine.cleaning import cleaned, well_formed
from evals_engine.faults import RequestError
from evals_engine.judges.rule_computations import Agreement
from evals_engine.judges.verdict_forms import ChoiceForm, VerdictForm
from evals_engine.judges.verdicts import Verdict
from evals_schemas.evaluation_api.rules import CONTAINS, EXACT_MATCH, NUMERIC, REGEX, SIMILARITY

SIMILAR_ENOUGH = 0.8
"""The similarity from which `rule/similarity` passes an answer if its verdict is a label."""

RULES: Mapping[str, str] = MappingProxyType(
    {
        EXACT_MATCH: "The answer equals the expected text; case and spacing do not count.",
        CONTAINS: "The expected text occurs in the answer, not as a part of another word or "
        "number; case and spacing do not count.",
        REGEX: "The expected text is a regular expression that is found in the answer.",
        NUMERIC: "The last number of the answer equals the last number expected.",
        SIMILARITY: "How alike the answer and the expected text are, from 0 to 1.",
    }
)
"""Each rule's description, by its name."""


_encode = json.JSONEncoder(ensure_ascii=False).encode


def check_rule(name: str) -> None:
    """Raise RequestError, with the names of all rules, if there is no rule of this name."""
    if name not in RULES:
        raise RequestError(
            f'There is no rule judge "{cleaned(name, 60)}". The rules are: {", ".join(RULES)}.',
            "judge.model",
        )


def passing_agreement(rule: str) -> float:
    """Return the agreement from which an answer passes if the rule's verdict is a label."""
    return SIMILAR_ENOUGH if rule == SIMILARITY else 1.0


def verdict_of(form: VerdictForm, rule: str, compared: Agreement) -> Verdict:
    """Return the verdict on one answer, as if a judge had written it as JSON.

    A classify evaluation gets its first pass label or the first label that is not a pass label, a
    score evaluation the agreement scaled to its range.
    """
    passes = compared.value >= passing_agreement(rule)
    verdict = form.rule_verdict(compared.value, passes=passes)
    return _verdict(form, f"{rule}: {compared.reason}", verdict)


def choice_of(rule: str, a: Agreement, b: Agreement) -> Verdict:
    """Return the verdict on two answers: the one that agrees better wins."""
    choice = "Tie" if a.value == b.value else "A" if a.value > b.value else "B"
    return _verdict(ChoiceForm(), f"{rule}: A {a.reason}; B {b.reason}", choice)


def _verdict(form: VerdictForm, feedback: str, value: str | float) -> Verdict:
    text = _encode({"feedback": feedback, form.key: value})
    return Verdict(value, well_formed(feedback), text, None)
