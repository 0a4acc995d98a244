"""A run whose verdicts are compared with those of a baseline, for `evals-mcp gate`."""
