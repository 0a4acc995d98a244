"""From a plan to one evaluation: what it may cost, whether the user agreed, and never twice."""
