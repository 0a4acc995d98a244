"""Makes the judge that a request names: a model with a rubric, or a rule."""

from __future__ import annotations

from evals_engine.config import ModelEndpoint
from evals_engine.faults import RequestError
from evals_engine.judges.model_judge import ModelJudge
from evals_engine.judges.protocol import Judge
from evals_engine.judges.rule_judge import RuleJudge
from evals_engine.judges.structured_output import StructuredAsker
from evals_engine.judges.verdict_forms import VerdictForm
from evals_engine.models.access import ModelAccess
from evals_engine.templates.template import Template
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig
from evals_schemas.evaluation_api.rules import RULE_PREFIX


def make_judge(
    judge: JudgeModelConfig,
    form: VerdictForm,
    endpoint: ModelEndpoint | None,
    access: ModelAccess,
) -> Judge:
    """Return the judge that a request names.

    Args:
        judge: the request's judge.
        form: what its verdicts look like.
        endpoint: where its model is; None for a rule.
        access: makes the calls.

    Raises:
        RequestError: the template is invalid, there is no such rule, or a model has no endpoint.
    """
    template = Template(judge.system_template, "judge.system_template")
    if judge.model.startswith(RULE_PREFIX):
        return RuleJudge(judge.model, template, form)
    if endpoint is None:
        raise RequestError(
            "The judge's model has no endpoint: configure one, or use a rule judge such as "
            "rule/exact-match.",
            "judge.model_source",
        )
    return ModelJudge(template, form, StructuredAsker(judge, form, endpoint, access).ask)
