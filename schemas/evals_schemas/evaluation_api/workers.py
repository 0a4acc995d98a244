"""How many calls to a model, and how many rows of an evaluation, are in flight at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from evals_schemas.evaluation_api.rules import RULE_PREFIX

WORKERS: Mapping[str, int] = MappingProxyType({"serverless": 25, "dedicated": 5, "external": 20})
"""Calls in flight for one model, by model source, if the request does not say."""

RULE_WORKERS = 64
"""Rows in flight of an evaluation that calls no model, so that no row waits for a call."""

MAX_WORKERS = 1_024
"""Calls in flight for one model at most in the embedded engine, also if a request asks for more:
each holds a row in memory and a connection open."""


class CalledModel(NamedTuple):
    """What decides how many calls of one judge or candidate are in flight."""

    model: str
    model_source: str
    num_workers: int | None
    """None where the request leaves it out."""

    @property
    def is_rule(self) -> bool:
        """Whether it is a rule, which makes no calls."""
        return self.model.startswith(RULE_PREFIX)

    @property
    def calls_at_once(self) -> int:
        """The most calls in flight; for a rule, the most rows that it computes at once."""
        if self.num_workers:
            return min(self.num_workers, MAX_WORKERS)
        if self.is_rule:
            return RULE_WORKERS
        return WORKERS.get(self.model_source, WORKERS["serverless"])


def rows_at_once(models: Iterable[CalledModel]) -> int:
    """Return how many rows of an evaluation are in flight: as many as its busiest model has calls.

    A rule counts only where no model is called. It waits for nothing, so more rows than calls would
    finish nothing earlier, and would all be in flight when the process is killed.

    Args:
        models: the judge and the candidates.
    """
    called = list(models)
    counted = [model for model in called if not model.is_rule] or called
    return max((model.calls_at_once for model in counted), default=1)
