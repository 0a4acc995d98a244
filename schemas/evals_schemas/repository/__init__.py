"""The file `evals.toml` of a repository, and the results of running it."""
