"""Labelling: the call of `label_rows`, and what a labeller sees."""
