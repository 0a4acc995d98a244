"""The result file and the totals that are counted while it is written."""
