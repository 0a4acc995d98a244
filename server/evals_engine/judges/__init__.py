"""Judges: models with a rubric and rules, the forms of their verdicts, how their text is read."""
