"""Judges: a model with a rubric or a rule, what they are asked for, how their text is read."""
