"""A judge that is a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
        (computed,) = await self.agreements_of([(row, answers)])
        if isinstance(computed, RequestError):
            raise computed
        return computed

    async def agreements_of(
        self, rows: Sequence[tuple[Row, Sequence[str]]]
    ) -> list[list[Agreement] | RequestError]:
        """Return the agreements of the answers of each row, or the error in their place."""
        too_long = [self._too_long(answers) for _, answers in rows]
        items, size = list[Any](), 0
        for (row, answers), problem in zip(rows, too_long, strict=True):
            if problem is None:
                named = chosen(row, self.columns)
                size += size_hint(named.values()) + size_hint(answers)
                items.append([named, answers])
        computed = iter(await self._pool.compute_each(self._job, items, size))
        return [problem or self._read(next(computed)) for problem in too_long]

    def _too_long(self, answers: Sequence[str]) -> RequestError | None:
        longest = max(map(len, answers))
        if longest <= MAX_ANSWER:
            return None
        return RequestError(
            f"{self.name}: the answer has {longest:,} characters, {MAX_ANSWER:,} are the most "
            "that a rule compares"
        )

    def _read(self, computed: Any) -> list[Agreement] | RequestError:
        if isinstance(computed, TaskError):
            return template_fault(computed, self._field)
        return [Agreement(value, reason) for value, reason in computed]


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
        self.rule = rule
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
                f"{self.rule.name} compares an answer with the expected text: name a column of "
                "answers or a model as model_to_evaluate.",
                "model_to_evaluate",
            )
        (agreement,) = await self.rule.agreements(row, [answer])
        return self.judgement(agreement)

    def judgement(self, agreement: Agreement) -> Judgement:
        """Return the verdict on an answer that agrees so far."""
        return Judgement(verdict_of(self._form, self.rule.name, agreement))

    async def decision(
        self,
        row: Row,
        prompt: str | None,  # noqa: ARG002 - of Judge; a rule looks at the answers only
        a: str,
        b: str,
        both_orders: bool,
    ) -> Decision:
        """See `Judge`. The order makes no difference to a rule."""
        for_a, for_b = await self.rule.agreements(row, [a, b])
        return self.decided(for_a, for_b, both_orders)

    def decided(self, for_a: Agreement, for_b: Agreement, both_orders: bool) -> Decision:
        """Return the decision on two answers that agree so far."""
        original = Judgement(choice_of(self.rule.name, for_a, for_b))
        if not both_orders:
            return decide(original, None)
        return decide(original, Judgement(choice_of(self.rule.name, for_b, for_a)))
