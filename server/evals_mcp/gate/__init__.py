"""Whether a change made answers worse: decided from pairs of verdicts, in a fixed order of rules.

Pure functions: `pairs.py` pairs rows, `figures.py` has the intervals and tests of one metric,
`decision.py` decides over all metrics, `rows_needed.py` says how many rows a gate takes, and
`words.py` has the sentences.
"""
