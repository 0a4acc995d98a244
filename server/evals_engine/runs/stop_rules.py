"""Which rules of stopping a request may have, and how they are stored."""

from __future__ import annotations

import secrets
from typing import Any, Protocol

from evals_engine.faults import RequestError
from evals_schemas.evaluation_api.evaluations import AnyParameters, CompareParameters
from evals_schemas.sequential.seeded_order import MOST_SEED
from evals_schemas.sequential.stop_when import STOP_WHEN, EngineStopWhen

NO_COMMON_ORDER = (
    "Several nodes share each evaluation here, and stopping early needs one order of rows in one "
    "process: leave `{}` out, or use an engine without `database_url`."
)


class Runs(Protocol):
    """Where evaluations are stored and run."""

    @property
    def judges_in_random_order(self) -> bool:
        """Whether evaluations may have `stop_when`."""
        ...


def rules_to_store(rules: EngineStopWhen, parameters: AnyParameters, runs: Runs) -> dict[str, Any]:
    """Return the rules of a request as a field of the stored parameters, with a seed.

    Raises:
        RequestError: evaluations cannot stop early here, or a rule does not fit the type.
    """
    if not runs.judges_in_random_order:
        raise RequestError(NO_COMMON_ORDER.format(STOP_WHEN), STOP_WHEN)
    is_difference = isinstance(parameters, CompareParameters)
    if rules.smaller_than is not None and not is_difference:
        raise RequestError("`smaller_than` is for type compare; use `width`.", STOP_WHEN)
    if rules.target is not None and is_difference:
        raise RequestError("`target` is a pass rate; compare has none: leave it out.", STOP_WHEN)
    if rules.decided and rules.target is None and not is_difference:
        raise RequestError(
            "`decided` needs `target`, the pass rate in percent to be above or below.", STOP_WHEN
        )
    if rules.max_usd is not None and not rules.prices:
        raise RequestError("`max_usd` needs `prices`, by role.", STOP_WHEN)
    seeded = rules.model_copy(
        update={"seed": secrets.randbelow(MOST_SEED) if rules.seed is None else rules.seed}
    )
    return {STOP_WHEN: seeded.model_dump(mode="json", exclude_none=True, exclude_defaults=True)}
