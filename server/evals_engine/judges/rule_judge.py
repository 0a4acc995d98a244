"""A judge that is a rule."""

from __future__ import annotations

from collections.abc import Sequence

from evals_engine.compute.jobs import Job
from evals_engine.compute.pool import OwnerPool
from evals_engine.compute.tasks import TaskError
from evals_engine.faults import RequestError
from evals_engine.judges.protocol import Decision, Judgement, Row, decide
from evals_engine.judges.rule_computations import Agreement
from evals_engine.judges.rules import check_rule, choice_of, verdict_of
from evals_engine.judges.verdict_forms import VerdictForm
from evals_engine.templates.template import chosen, size_hint, template_fault

MAX_ANSWER = 1024 * 1024
"""Characters of the longest answer that a rule compares."""


class ComputedRule:
    """A rule with the template of its expected text; worker processes render and compare."""

    def __init__(self, rule: str, field: str, job: Job, pool: OwnerPool) -> None:
        """Take a job that `open_rule` has set up; it holds the template of the request's field."""
        self.name = rule
        self.columns = frozenset[str](job.facts["columns"])
        """The columns that the template reads."""
        self._field = field
        self._job = job
        self._pool = pool

    async def agreements(self, row: Row, answers: Sequence[str]) -> list[Agreement]:
        """Return how far each answer agrees with the expected text of a row.

        Raises:
            RequestError: the template fails on the row, an answer is too long, the expected text
                is not a regular expression, or a limit is reached.
        """
        for answer in answers:
            if len(answer) > MAX_ANSWER:
                raise RequestError(
                    f"{self.name}: the answer has {len(answer):,} characters, {MAX_ANSWER:,} are "
                    "the most that a rule compares"
                )
        named = chosen(row, self.columns)
        size = size_hint([*named.values(), *answers])
        try:
            results = await self._pool.compute(self._job, [named, answers], size)
        except TaskError as error:
            raise template_fault(error, self._field) from None
        return [Agreement(value, reason) for value, reason in results]


async def open_rule(rule: str, source: str, field: str, pool: OwnerPool) -> ComputedRule:
    """Set a rule up in a worker process.

    Args:
        rule: the name of the rule.
        source: the template of the expected text.
        field: the request field that holds the template, named in every error.
        pool: computes for the rule's owner.

    Raises:
        RequestError: there is no such rule, or the template cannot be used.
    """
    check_rule(rule)
    try:
        job = await pool.open("rule", {"rule": rule, "source": source, "field": field})
    except TaskError as error:
        raise template_fault(error, field) from None
    return ComputedRule(rule, field, job, pool)


class RuleJudge:
    """A rule that compares answers with the rendered template and calls no model."""

    def __init__(self, rule: ComputedRule, form: VerdictForm) -> None:
        """Check that the rule's verdict can fail an answer.

        Raises:
            RequestError: every label is a pass label.
        """
        form.check_rule()
        self._rule = rule
        self._form = form
        self.columns = rule.columns
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
                f"{self._rule.name} compares an answer with the expected text: name a column of "
                "answers or a model as model_to_evaluate.",
                "model_to_evaluate",
            )
        (agreement,) = await self._rule.agreements(row, [answer])
        return Judgement(verdict_of(self._form, self._rule.name, agreement))

    async def decision(
        self,
        row: Row,
        prompt: str | None,  # noqa: ARG002 - of Judge; a rule looks at the answers only
        a: str,
        b: str,
        both_orders: bool,
    ) -> Decision:
        """See `Judge`. The order makes no difference to a rule."""
        for_a, for_b = await self._rule.agreements(row, [a, b])
        original = Judgement(choice_of(self._rule.name, for_a, for_b))
        if not both_orders:
            return decide(original, None)
        return decide(original, Judgement(choice_of(self._rule.name, for_b, for_a)))
