"""`evals-mcp run --continue`: the rest of a run that stopped early, without paying twice."""
