"""Values of the evaluation contract that apply when a request leaves a field out."""

from collections.abc import Mapping
from types import MappingProxyType

JUDGE_MAX_TOKENS = 32_768
"""Tokens of a judge's verdict at most."""

CANDIDATE_MAX_TOKENS = 1_024
"""Tokens of a candidate's answer at most."""

TEMPERATURE = 0.05
"""Temperature of judges and candidates."""

WORKERS: Mapping[str, int] = MappingProxyType({"serverless": 25, "dedicated": 5, "external": 20})
"""Calls in flight for one model, by model source."""

RULE_WORKERS = 64
"""Rows in flight under a rule judge of the embedded engine, which has no calls to wait for."""

MAX_WORKERS = 1_024
"""Calls in flight for one model at most in the embedded engine, also if a request asks for more:
each holds a row in memory and a connection open."""
