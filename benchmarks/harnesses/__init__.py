"""Evaluation harnesses of other projects, run over our rows against our endpoint."""
