"""Benchmarks: each figure beside a floor, a peer or a budget that is measured in the same run."""
