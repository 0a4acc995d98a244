"""Runs the evaluations of a file in a repository, `evals.toml`, and writes their results.

`run.py` is the way of `evals-mcp run`: it reads the file (`file.py`), uploads, plans, launches and
waits through the tools (`judging.py`) within the consent of the file (`consent.py`), and writes a
folder of results (`outputs.py`, with a module for each form). The folder `gates` adds a baseline
and the verdicts that are taken from it.
"""
