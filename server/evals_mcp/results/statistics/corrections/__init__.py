"""Figures of a judge's verdicts, corrected by labels of people for some of the rows."""
