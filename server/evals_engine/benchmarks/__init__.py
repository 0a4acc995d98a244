"""Benchmark evaluations: questions, one or two models side by side, and totals by model."""
