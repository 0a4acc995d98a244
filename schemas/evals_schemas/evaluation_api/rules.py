"""The names of the rule judges. What each one does stands in `evals_engine.judges.rules`."""

RULE_PREFIX = "rule/"
"""Beginning of the name of each rule judge, which computes its verdict and calls no model."""

EXACT_MATCH = f"{RULE_PREFIX}exact-match"
CONTAINS = f"{RULE_PREFIX}contains"
REGEX = f"{RULE_PREFIX}regex"
NUMERIC = f"{RULE_PREFIX}numeric"
SIMILARITY = f"{RULE_PREFIX}similarity"

RULE_NAMES = (EXACT_MATCH, CONTAINS, REGEX, NUMERIC, SIMILARITY)
"""Every rule judge, in the order in which they are listed."""
