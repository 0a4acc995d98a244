"""From a plan to one evaluation: budget, question, code, never twice."""
