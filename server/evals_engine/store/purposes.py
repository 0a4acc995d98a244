"""What a stored file is for. Each contract shows the files of its own purposes and no others."""

EVAL = "eval"
"""A data set of the evaluation contract."""

EVAL_OUTPUT = "eval-output"
"""A result file of the evaluation contract."""

BENCHMARK_FILE = "benchmark"
"""The questions of a benchmark."""

BENCHMARK_OUTPUT = "benchmark-output"
"""The judged answers of a benchmark evaluation."""

OF_BENCHMARKS = frozenset({BENCHMARK_FILE, BENCHMARK_OUTPUT})
"""Purposes that the benchmark contract alone shows."""
