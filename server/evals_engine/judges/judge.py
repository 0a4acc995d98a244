"""Makes the judge that a request names: a model with a rubric, or a rule."""

from __future__ import annotations

from evals_engine.compute.pool import OwnerPool
from evals_engine.config import ModelEndpoint
from evals_engine.faults import RequestError
from evals_engine.judges.model_judge import ModelJudge
from evals_engine.judges.protocol import Judge
from evals_engine.judges.rule_judge import RuleJudge, open_rule
from evals_engine.judges.structured_output import StructuredAsker
from evals_engine.judges.verdict_forms import VerdictForm
from evals_engine.models.access import ModelAccess
from evals_engine.templates.template import open_template
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig
from evals_schemas.evaluation_api.rules import RULE_PREFIX


async def make_judge(
    judge: JudgeModelConfig,
    form: VerdictForm,
    endpoint: ModelEndpoint | None,
    access: ModelAccess,
    pool: OwnerPool,
) -> Judge:
    """Return the judge that a request names.

    Args:
        judge: the request's judge.
        form: what its verdicts look like.
        endpoint: where its model is; None for a rule.
        access: makes the calls.
        pool: renders the template, and computes rules, for the owner of the evaluation.

    Raises:
        RequestError: the template is invalid, there is no such rule, or a model has no endpoint.
    """
    source, field = judge.system_template, "judge.system_template"
    if judge.model.startswith(RULE_PREFIX):
        return RuleJudge(await open_rule(judge.model, source, field, pool), form)
    if endpoint is None:
        raise RequestError(
            "The judge's model has no endpoint: configure one, or use a rule judge such as "
            "rule/exact-match.",
            "judge.model_source",
        )
    template = await open_template(source, field, pool)
    return ModelJudge(template, form, StructuredAsker(judge, form, endpoint, access).ask)
