"""A judge that is a rule."""

from __future__ import annotations

import anyio

from evals_engine.faults import RequestError
from evals_engine.judges.protocol import Decision, Judgement, Row, decide
from evals_engine.judges.rules import (
    Agreement,
    agreement,
    check_rule,
    choice_text,
    verdict_text,
)
from evals_engine.judges.verdict_forms import VerdictForm
from evals_engine.judges.verdicts import read_verdict
from evals_engine.templates.template import Template
from evals_schemas.evaluation_api.rules import REGEX


class RuleJudge:
    """A rule that compares answers with the rendered template and calls no model."""

    def __init__(self, rule: str, template: Template, form: VerdictForm) -> None:
        """Check that the rule exists and that its verdict can fail an answer.

        Raises:
            RequestError: there is no such rule, or every label is a pass label.
        """
        check_rule(rule)
        form.check_rule()
        self._rule = rule
        self._template = template
        self._form = form
        self.columns = template.columns
        """The columns that the rule's template reads."""

    async def verdict(
        self,
        row: Row,
        prompt: str | None,  # noqa: ARG002 - of Judge; a rule looks at the answer only
        answer: str | None,
    ) -> Judgement:
        """See `Judge`."""
        if answer is None:
            raise RequestError(
                f"{self._rule} compares an answer with the expected text: name a column of "
                "answers or a model as model_to_evaluate.",
                "model_to_evaluate",
            )
        compared = await self._agreement(self._template.render(row), answer)
        return self._read(verdict_text(self._form, self._rule, compared))

    async def decision(
        self,
        row: Row,
        prompt: str | None,  # noqa: ARG002 - of Judge; a rule looks at the answers only
        a: str,
        b: str,
        both_orders: bool,
    ) -> Decision:
        """See `Judge`. The order makes no difference to a rule."""
        expected = self._template.render(row)
        for_a, for_b = await self._agreement(expected, a), await self._agreement(expected, b)
        original = self._read(choice_text(self._rule, for_a, for_b))
        if not both_orders:
            return decide(original, None)
        return decide(original, self._read(choice_text(self._rule, for_b, for_a)))

    async def _agreement(self, expected: str, answer: str) -> Agreement:
        if self._rule == REGEX:  # a slow expression must not block the event loop
            return await anyio.to_thread.run_sync(agreement, self._rule, expected, answer)
        return agreement(self._rule, expected, answer)

    def _read(self, text: str) -> Judgement:
        return Judgement(read_verdict(text, self._form), 0, 0)
