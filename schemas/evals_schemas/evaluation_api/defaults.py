"""Values of the evaluation contract that apply when a request leaves a field out."""

JUDGE_MAX_TOKENS = 32_768
"""Tokens of a judge's verdict at most."""

CANDIDATE_MAX_TOKENS = 1_024
"""Tokens of a candidate's answer at most."""

TEMPERATURE = 0.05
"""Temperature of judges and candidates."""
